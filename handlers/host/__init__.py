"""The job runner of the ETL hosts: runs one script of a workflow and answers the workflow.

It is packed as a zip application (`runner.pyz`) next to the folder of scripts and needs Python 3.9 or later
with boto3, nothing else; most jobs load only the botocore below it. Systems Manager starts it once per job;
see `runner.main`.
"""
