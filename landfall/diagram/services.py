"""AWS services by resource type: name, noun and colour."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, order=True)
class Kind:
    """What a resource is, for people."""

    service: str
    """Name of the AWS service, such as `Lambda`."""
    noun: str
    """What of it, such as `function`."""
    accent: str
    """Colour class of the service's group."""

    @property
    def label(self) -> str:
        """Service and noun, a word that both have said once."""
        first, _, rest = self.noun.partition(" ")
        if first.lower() == self.service.lower():
            return f"{self.service} {rest}".strip()
        return f"{self.service} {self.noun}"


_SERVICES: Final[Mapping[str, tuple[str, str]]] = {
    "accessanalyzer": ("IAM Access Analyzer", "security"),
    "acm": ("Certificate Manager", "security"),
    "apigateway": ("API Gateway", "network"),
    "apigatewayv2": ("API Gateway", "network"),
    "athena": ("Athena", "analytics"),
    "backup": ("Backup", "storage"),
    "budgets": ("Budgets", "management"),
    "cfg": ("Config", "management"),
    "cloudtrail": ("CloudTrail", "management"),
    "cloudwatch": ("CloudWatch", "management"),
    "codeartifact": ("CodeArtifact", "management"),
    "codebuild": ("CodeBuild", "management"),
    "codepipeline": ("CodePipeline", "management"),
    "cognito": ("Cognito", "security"),
    "datazone": ("DataZone", "analytics"),
    "dms": ("Database Migration Service", "database"),
    "dynamodb": ("DynamoDB", "database"),
    "ec2": ("EC2", "compute"),
    "ecr": ("ECR", "containers"),
    "ecs": ("ECS", "containers"),
    "efs": ("EFS", "storage"),
    "eks": ("EKS", "containers"),
    "elasticache": ("ElastiCache", "database"),
    "emr": ("EMR", "analytics"),
    "emrserverless": ("EMR Serverless", "analytics"),
    "glue": ("Glue", "analytics"),
    "guardduty": ("GuardDuty", "security"),
    "iam": ("IAM", "security"),
    "identitystore": ("Identity Center", "security"),
    "kinesis": ("Kinesis", "analytics"),
    "kms": ("KMS", "security"),
    "lakeformation": ("Lake Formation", "analytics"),
    "lambda": ("Lambda", "compute"),
    "lb": ("Load Balancing", "network"),
    "macie2": ("Macie", "security"),
    "networkfirewall": ("Network Firewall", "network"),
    "opensearch": ("OpenSearch", "analytics"),
    "organizations": ("Organizations", "management"),
    "ram": ("Resource Access Manager", "security"),
    "rds": ("RDS", "database"),
    "redshift": ("Redshift", "analytics"),
    "redshiftdata": ("Redshift Data", "analytics"),
    "redshiftserverless": ("Redshift Serverless", "analytics"),
    "resourcegroups": ("Resource Groups", "management"),
    "route53": ("Route 53", "network"),
    "s3": ("S3", "storage"),
    "s3tables": ("S3 Tables", "storage"),
    "scheduler": ("EventBridge", "integration"),
    "secretsmanager": ("Secrets Manager", "security"),
    "securityhub": ("Security Hub", "security"),
    "servicecatalog": ("Service Catalog", "management"),
    "sfn": ("Step Functions", "integration"),
    "sns": ("SNS", "integration"),
    "sqs": ("SQS", "integration"),
    "ssm": ("Systems Manager", "management"),
    "ssoadmin": ("Identity Center", "security"),
    "vpc": ("VPC", "network"),
    "wafv2": ("WAF", "security"),
}
GLOBAL: Final = frozenset({"iam", "organizations", "route53", "cloudfront", "ssoadmin", "identitystore"})
"""Modules of services whose resources belong to an account, not to a Region of it."""
_NETWORK: Final = re.compile(
    r"Vpc|Subnet|RouteTable|Route$|SecurityGroup|FlowLog|NatGateway|InternetGateway|Eip|TransitGateway"
    r"|NetworkAcl|VpnGateway|Peering|PrefixList|CustomerGateway|DhcpOptions|EgressOnly"
)
_EVENTS: Final = re.compile(r"Event(Rule|Target|Bus|Permission|Archive|Connection|ApiDestination)")
_NOUNS: Final[Mapping[str, str]] = {
    "Vpc": "network",
    "VpcEndpoint": "endpoint",
    "RolePolicy": "policy",
    "RolePolicyAttachment": "policy",
    "Policy": "policy",
    "BucketObjectv2": "object",
    "Bucket": "bucket",
    "EventRule": "rule",
    "EventTarget": "target",
    "EventBus": "bus",
    "SecurityGroupIngressRule": "security group rule",
    "SecurityGroupEgressRule": "security group rule",
    "SecurityGroupRule": "security group rule",
    "RouteTableAssociation": "route table association",
}


def kind_of(type_: str) -> Kind:
    """What a resource of a type is; a type that nobody wrote down is named after its own words."""
    package, _, rest = type_.partition(":")
    module, _, name = rest.rpartition(":")
    family = module.partition("/")[0].lower()
    if package != "aws":
        return Kind(package, words(name), "other")
    if family == "s3" and re.match(r"Bucket[A-Z]", name) and not name.startswith("BucketObject"):
        return Kind("S3", "bucket settings", "storage")
    if family == "cloudwatch" and _EVENTS.match(name):
        return Kind("EventBridge", _NOUNS.get(name) or words(name), "integration")
    if family in ("ec2", "vpc") and _NETWORK.search(name):
        noun = _NOUNS.get(name) or words(name)
        return Kind("VPC", noun, "network")
    service, accent = _SERVICES.get(family, (family, "other"))
    return Kind(service, _NOUNS.get(name) or words(name), accent)


def words(name: str) -> str:
    """A type's name as words: `MetricAlarm` is `metric alarm`, `EtlPlane` is `ETL plane`."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name).lower().split()
    return " ".join(_ACRONYMS.get(word, word) for word in split)


_ACRONYMS: Final[Mapping[str, str]] = {
    word.lower(): word for word in ("VPC", "ETL", "IAM", "KMS", "SNS", "SQS", "EMR", "SSM", "WAF", "DNS")
}


def sentence(text: str) -> str:
    """The text with a capital first letter, the others as they are."""
    return text[:1].upper() + text[1:]


def is_global(type_: str) -> bool:
    """Whether resources of a type belong to no Region."""
    return type_.startswith("aws:") and type_[4:].partition("/")[0] in GLOBAL


PLANES: Final[Mapping[str, tuple[str, str]]] = {
    "landing_zone": ("Landing zone", "management"),
    "network": ("Network plane", "network"),
    "warehouse": ("Warehouse plane", "analytics"),
    "orchestration": ("Orchestration plane", "integration"),
    "delivery": ("Delivery plane", "management"),
    "insight": ("Insight plane", "analytics"),
    "security": ("Security", "security"),
    "storage": ("Storage", "storage"),
}


def plane_of(area: str) -> tuple[str, str]:
    """Title and colour of the plane that a component's area (`landfall:<area>:<Class>`) belongs to."""
    return PLANES.get(area, (sentence(area.replace("_", " ")), "other"))
