"""Code that runs in AWS: Lambda functions and the job runner of the ETL hosts."""
