"""What `make package` does: the service as CloudFormation deploys it, in build/ (docs/deploying.md)."""
