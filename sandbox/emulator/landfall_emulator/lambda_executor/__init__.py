"""Lambda functions as local processes: the real archive, environment, timeout and memory limit."""
