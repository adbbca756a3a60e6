"""What services do with a role outside of an API call of that role.

Log delivery and the rules by which jobs are waited for are asked for when a state machine is made; its key
when an execution starts; the children of a Map Run when it starts; a function's settings are decrypted when
it is invoked, a schedule when it fires; what a schedule cannot deliver goes to its queue as its role; traces
are sent when an execution or an invocation has ended; a host is managed while its role lets the agent report.
(sources: Step Functions Developer Guide, "Logging in CloudWatch Logs", "IAM policies for AWS Step Functions",
"Data at rest encryption", "Distributed Map: IAM policies", "Tracing with AWS X-Ray"; Lambda Developer Guide,
"Securing environment variables", "Visualize Lambda invocations using X-Ray"; EventBridge Scheduler User
Guide, "Data encryption", "Configuring a dead-letter queue"; Systems Manager User Guide, "Instance
permissions")
"""

from __future__ import annotations

import functools
import json
import secrets
import time
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Final

from localemu.aws.api.stepfunctions import HistoryEventType, MapRunFailedEventDetails
from localemu.aws.connect import connect_to
from localemu.services.events.target import TargetSender
from localemu.services.lambda_.invocation.lambda_models import InvocationResult
from localemu.services.scheduler import target_invoker
from localemu.services.stepfunctions.asl.component.common.error_name.custom_error_name import CustomErrorName
from localemu.services.stepfunctions.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from localemu.services.stepfunctions.asl.component.state.state_execution.state_map.iteration import (
    distributed_iteration_component as distributed,
)
from localemu.services.stepfunctions.asl.eval.event.event_detail import EventDetails
from localemu.services.stepfunctions.asl.utils import boto_client
from localemu.services.stepfunctions.backend.execution import Execution
from localemu.services.stepfunctions.backend.models import sfn_stores
from moto.ec2.models.flow_logs import FlowLogs

from landfall_emulator import instance_metadata, stepfunctions_clients
from landfall_emulator.faults import callers
from landfall_emulator.iam_enforcement import principals, resource_policies, trust
from landfall_emulator.iam_enforcement.dependents import generating, on_key
from landfall_emulator.iam_enforcement.judge import Refused, first_refusal
from landfall_emulator.iam_enforcement.refusals import RoleRefused, message
from landfall_emulator.iam_enforcement.requests import Call, Need, machine_arn
from landfall_emulator.lambda_executor.executor import ProcessRuntimeExecutor
from landfall_emulator.ssm import spool

LOG_DELIVERY: Final = (
    "logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies", "logs:GetLogDelivery", "logs:ListLogDeliveries",
    "logs:PutResourcePolicy", "logs:UpdateLogDelivery",
)  # fmt: skip
"""What Step Functions lists for a role that delivers logs."""
MANAGED_RULES: Final = {
    "arn:aws:states:::states:startExecution.sync": "StepFunctionsGetEventsForStepFunctionsExecutionRule",
    "arn:aws:states:::emr-serverless:startJobRun.sync": "StepFunctionsGetEventsForEMRServerlessJobRule",
}
"""Rules by which Step Functions waits for a job, by the beginning of the Task's resource."""
RULE_ACTIONS: Final = ("events:DescribeRule", "events:PutRule", "events:PutTargets")
TRACES_OF_MACHINES: Final = (
    "xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:PutTelemetryRecords", "xray:PutTraceSegments",
)  # fmt: skip
AGENT: Final = (
    "ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel", "ec2messages:AcknowledgeMessage",
    "ec2messages:DeleteMessage", "ec2messages:FailMessage", "ec2messages:GetEndpoint",
    "ec2messages:GetMessages", "ec2messages:SendReply",
)  # fmt: skip
"""What the agent calls to report, to fetch commands and to answer them."""
TRACES_OF_FUNCTIONS: Final = ("xray:PutTelemetryRecords", "xray:PutTraceSegments")
_SESSION: Final = "StepFunctions"
_SCHEDULER: Final = "scheduler"
_REPORT_SECONDS: Final = 1.0
_REPORTING: Final[dict[str, tuple[float, bool]]] = {}
"""For each host, when it was judged and whether its agent may report."""
_NO_LOGS: Final = "The state machine IAM Role is not authorized to access the Log Destination"


def install() -> None:
    """Hook the services' own work."""
    _map_runs_start_children()
    _executions_send_traces()
    _functions_act_as_their_role()
    _tasks_take_their_role()
    _flow_logs_tell_whether_they_deliver()
    _schedules_act_as_their_role()
    spool.MAY_REPORT = _agent_may_report


def _agent_may_report(instance: str, host: Mapping[str, Any]) -> bool:
    """Whether the host's role lets the agent do what it does all the time; a host without profile is free.

    Asked for many times a second, judged once in each.
    """
    if not host.get("instance_profile"):
        return True
    judged_at, allowed = _REPORTING.get(instance, (0.0, False))
    if time.monotonic() - judged_at > _REPORT_SECONDS:
        allowed = _agent_is_allowed(instance, host)
        _REPORTING[instance] = (time.monotonic(), allowed)
    return allowed


def _agent_is_allowed(instance: str, host: Mapping[str, Any]) -> bool:
    role = instance_metadata.role_arn(instance, host)
    if role is None:
        return False
    account, region = str(host["account"]), str(host["region"])
    here = f"arn:aws:ec2:{region}:{account}:instance/{instance}"
    needs = [Need(action=AGENT[0], resource=here), *anywhere(AGENT[1:])]
    call = _work(account, region)
    if trust.refused(role, trust.EC2, None, call) is not None:
        return False
    return judged(role, instance, needs, call, "agent of a host") is None


def judged(
    role_arn: str, session: str, needs: Iterable[Need], call: Call, why: str
) -> tuple[str, Refused] | None:
    """The sentence about the first refused need of a role that a service uses, with the refusal."""
    principal = principals.of_role(role_arn, session)
    refused = first_refusal(principal, needs, call, why=why)
    if refused is None:
        return None
    return message(principal, refused.need.action, refused.need.resource, refused.decision), refused


def anywhere(actions: Iterable[str]) -> list[Need]:
    """Needs of actions that have no resource in IAM."""
    return [Need(action=action, resource="*") for action in actions]


def refusal_of_role(call: Call) -> RoleRefused | None:
    """The error of a call that is refused for the role that it names, or that its resource has."""
    if call.service != "stepfunctions":
        return None
    if call.operation in ("CreateStateMachine", "UpdateStateMachine"):
        return _log_delivery(call) or _managed_rules(call)
    if call.operation == "StartExecution":
        return _machine_key(call)
    return None


def _machine_before(call: Call) -> Any:
    """The state machine that a call changes, as it is until then; None for one that is made."""
    arn = call.text("stateMachineArn")
    return sfn_stores[call.account][call.region].state_machines.get(arn) if arn else None


def _log_delivery(call: Call) -> RoleRefused | None:
    machine = _machine_before(call)
    logging: Any = call.parameters.get("loggingConfiguration") or getattr(machine, "logging_config", None)
    role = call.text("roleArn") or str(getattr(machine, "role_arn", ""))
    if not role or (logging or {}).get("level", "OFF") == "OFF":
        return None
    refused = judged(role, _SESSION, anywhere(LOG_DELIVERY), call, "log delivery of a state machine")
    return RoleRefused("AccessDeniedException", _NO_LOGS) if refused else None


def _managed_rules(call: Call) -> RoleRefused | None:
    """Whoever waits for a job by events needs leave to make the rule that tells of its end."""
    machine = _machine_before(call)
    role = call.text("roleArn") or str(getattr(machine, "role_arn", ""))
    definition = call.text("definition") or str(getattr(machine, "definition", ""))
    needs = [
        Need(action=action, resource=call.arn("events", f"rule/{rule}"))
        for task, rule in MANAGED_RULES.items()
        if f'"{task}' in definition
        for action in RULE_ACTIONS
    ]
    if not role or judged(role, _SESSION, needs, call, "managed rule of Step Functions") is None:
        return None
    return RoleRefused("AccessDeniedException", f"'{role}' is not authorized to create managed-rule.")


def _machine_key(call: Call) -> RoleRefused | None:
    arn = call.text("stateMachineArn")
    machine = sfn_stores[call.account][call.region].state_machines.get(arn)
    key = resource_policies.key(resource_policies.declared(arn, "key"), call.account, call.region)
    if machine is None or key is None:
        return None
    decrypt = on_key(key, "states", call.region, call.account, {"aws:states:stateMachineArn": arn})
    refused = judged(
        str(machine.role_arn), _SESSION, [generating(decrypt), decrypt], call, "key of a state machine"
    )
    return RoleRefused("KmsAccessDeniedException", refused[0]) if refused else None


def _tasks_take_their_role() -> None:
    """Each task takes the role anew, where it may.

    ``aws:userid`` stays the same through an execution; LocalEmu names each session by chance.
    """

    class Named:
        def with_assumed_role(self, **options: Any) -> Any:
            return connect_to.with_assumed_role(session_name=_SESSION, **options)

    def take(role_arn: str, region: str) -> None:
        if execution := callers.current_execution():
            trust.refuse_task(role_arn, execution, _work(role_arn.split(":")[4], region))

    boto_client.connect_to = Named()
    stepfunctions_clients.TAKE_ROLE = take


def _map_runs_start_children() -> None:
    """A Map Run needs leave to start, watch and stop executions; it is asked for when the Map Run starts."""
    component = distributed.DistributedIterationComponent
    original = component._map_run

    @functools.wraps(original)
    def map_run(self: Any, env: Any, eval_input: Any) -> None:
        details = env.states.context_object.context_object_data
        machine = str(details["StateMachine"]["Id"])
        child = f"{machine.replace(':stateMachine:', ':execution:', 1)}:{uuid.uuid4()}"
        needs = [
            Need(action="states:StartExecution", resource=machine),
            Need(action="states:DescribeExecution", resource=child),
            Need(action="states:StopExecution", resource=child),
        ]
        region, account = machine.split(":")[3:5]
        call = _work(account, region)
        refused = judged(str(details["Execution"]["RoleArn"]), _SESSION, needs, call, "Map Run")
        if refused is not None:
            error = "StepFunctions.AccessDeniedException"
            raise FailureEventException(
                FailureEvent(
                    env=env,
                    error_name=CustomErrorName(error),
                    event_type=HistoryEventType.MapRunFailed,
                    event_details=EventDetails(
                        mapRunFailedEventDetails=MapRunFailedEventDetails(error=error, cause=refused[0])
                    ),
                )
            )
        original(self, env, eval_input)

    component._map_run = map_run


def _executions_send_traces() -> None:
    """An execution of a traced state machine leaves a trace, where its role may send one."""
    original = Execution.publish_execution_status_change_event

    @functools.wraps(original)
    def publish(self: Any) -> None:
        original(self)
        arn = machine_arn(self)
        if self.stop_date is None or not resource_policies.declared(arn, "tracing"):
            return
        region, account = arn.split(":")[3:5]
        call = _work(account, region)
        role = str(self.state_machine.role_arn)
        if judged(role, _SESSION, anywhere(TRACES_OF_MACHINES), call, "trace of an execution") is None:
            name = arn.rpartition(":")[2]
            _send_trace(account, region, name, self.start_date.timestamp(), self.stop_date.timestamp())

    Execution.publish_execution_status_change_event = publish


def _functions_act_as_their_role() -> None:
    """A function's role is taken, its settings are decrypted and its trace, if any, is sent."""
    original = ProcessRuntimeExecutor.invoke

    @functools.wraps(original)
    def invoke(self: Any, payload: dict[str, str], *arguments: Any, **options: Any) -> Any:
        config = self.function_version.config
        arn = str(self.function_version.id.unqualified_arn())
        region, account = arn.split(":")[3:5]
        call = _work(account, region)
        session = arn.rpartition(":")[2]
        if trust.refused(str(config.role), trust.LAMBDA, arn, call) is not None:
            return _not_invoked(payload["invoke-id"], "AccessDeniedException", trust.NO_LAMBDA.text)
        key = resource_policies.key(resource_policies.declared(arn, "key"), account, region)
        if key is not None and config.environment:
            decrypt = on_key(key, "lambda", region, account, {"aws:lambda:FunctionArn": arn})
            refused = judged(str(config.role), session, [decrypt], call, "settings of a function")
            if refused is not None:
                return _not_invoked(
                    payload["invoke-id"],
                    "KMSAccessDeniedException",
                    "Lambda was unable to decrypt the environment variables because KMS access was denied. "
                    f"{refused[0]}",
                )
        began = time.time()
        result = original(self, payload, *arguments, **options)
        if str(config.tracing_config_mode) == "Active":
            needs = anywhere(TRACES_OF_FUNCTIONS)
            if judged(str(config.role), session, needs, call, "trace of an invocation") is None:
                _send_trace(account, region, session, began, time.time())
        return result

    ProcessRuntimeExecutor.invoke = invoke  # type: ignore[method-assign]


def _flow_logs_tell_whether_they_deliver() -> None:
    """A flow log's status is that of its role at the moment somebody asks."""

    def status(self: Any) -> str:
        return "FAILED" if _delivery_refused(self) else "SUCCESS"

    def problem(self: Any) -> str | None:
        return "Access error" if _delivery_refused(self) else None

    def ignore(self: Any, value: Any) -> None:
        """What moto sets is not kept."""

    FlowLogs.deliver_logs_status = property(status, ignore)
    FlowLogs.deliver_logs_error_message = property(problem, ignore)


def _delivery_refused(flow_log: Any) -> bool:
    role = flow_log.deliver_logs_permission_arn
    named = flow_log.log_group_name or str(flow_log.log_destination or "").partition(":log-group:")[2]
    group = named.removesuffix(":*")
    if not role or not group:
        return False
    account, region = str(flow_log.ec2_backend.account_id), str(flow_log.ec2_backend.region_name)
    arn = f"arn:aws:logs:{region}:{account}:log-group:{group}"
    stream = f"{arn}:log-stream:{flow_log.id}"
    needs = [
        Need(action="logs:CreateLogStream", resource=stream),
        Need(action="logs:DescribeLogStreams", resource=arn),
        Need(action="logs:PutLogEvents", resource=stream),
    ]
    call = _work(account, region)
    if trust.refused(str(role), trust.FLOW_LOGS, call.arn("ec2", f"vpc-flow-log/{flow_log.id}"), call):
        return True
    return judged(str(role), flow_log.id, needs, call, "flow log of a network") is not None


def _schedules_act_as_their_role() -> None:
    """A schedule is decrypted, and its dead letter sent, as its role; LocalEmu does both as itself."""
    fire, bury = target_invoker.invoke, TargetSender._send_to_dlq

    @functools.wraps(fire)
    def invoke(*, schedule_arn: str, target: dict[str, Any], **options: Any) -> None:
        account, region = str(options["account_id"]), str(options["region"])
        role, call = str(target["RoleArn"]), _work(account, region)
        if trust.refused(role, trust.SCHEDULER, trust.group_of(schedule_arn), call) is not None:
            return
        key = resource_policies.key(resource_policies.declared(schedule_arn, "key"), account, region)
        if key is not None:
            context = {"aws:scheduler:schedule:arn": schedule_arn}
            decrypt = on_key(key, "scheduler", region, account, context)
            if judged(role, _SCHEDULER, [decrypt], call, "key of a schedule") is not None:
                return
        fire(schedule_arn=schedule_arn, target=target, **options)

    @functools.wraps(bury)
    def send(self: Any, event: Any, dlq_arn: str, error: Exception) -> None:
        role = self.target.get("RoleArn")
        if role and self.caller_service_principal == _SCHEDULER:
            region, account = dlq_arn.split(":")[3:5]
            needs = [Need(action="sqs:SendMessage", resource=dlq_arn)]
            key = resource_policies.key(resource_policies.queue_key(dlq_arn), account, region)
            if key is not None:
                decrypt = on_key(key, "sqs", region, account, {"aws:sqs:arn": dlq_arn})
                needs += [generating(decrypt), decrypt]
            call = _work(account, region)
            if judged(str(role), _SCHEDULER, needs, call, "dead letter of a schedule") is not None:
                return
        bury(self, event, dlq_arn, error)

    target_invoker.invoke = invoke
    TargetSender._send_to_dlq = send


def _not_invoked(request_id: str, error: str, text: str) -> Any:
    body = {"errorType": error, "errorMessage": text}
    return InvocationResult(request_id, json.dumps(body).encode(), is_error=True, logs="")


def _work(account: str, region: str) -> Call:
    """A service's own work, for the condition keys of its decisions."""
    return Call(service="", operation="", account=account, region=region, parameters={})


def _send_trace(account: str, region: str, name: str, began: float, ended: float) -> None:
    """One segment, as X-Ray takes it."""
    trace = f"1-{int(began):08x}-{secrets.token_hex(12)}"
    segment = {
        "name": name, "id": secrets.token_hex(8), "trace_id": trace, "start_time": began, "end_time": ended,
    }  # fmt: skip
    client = connect_to(aws_access_key_id=account, region_name=region).get_client("xray")
    client.put_trace_segments(TraceSegmentDocuments=[json.dumps(segment)])
