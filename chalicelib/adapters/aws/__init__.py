"""AWS beside DynamoDB: S3, SES, KMS, Step Functions, and the log."""
