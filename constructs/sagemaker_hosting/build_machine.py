from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import Construct

from sagemaker_hosting.acknowledge import acknowledge_own_policies, acknowledge_wildcard

if TYPE_CHECKING:
    from sagemaker_hosting.log_group import LogGroup

# Source: Step Functions developer guide, "Logging in CloudWatch Logs" and "X-Ray": these actions know no resource.
LOG_DELIVERY = (
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
)
TRACING = ("xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:PutTelemetryRecords", "xray:PutTraceSegments")
JOB_RULE = "StepFunctionsGetEventsForSageMakerProcessingJobsRule"
"""Step Functions' own, by which it hears that a job ended."""


class BuildMachine(Construct):
    """Define the state machine that runs processing jobs, logged and traced.

    Args:
        definition: In Amazon States Language.
        job_names: What the jobs' names begin with; it may run no others.
        job_role: Handed to the jobs, and no other role.
        log_group: Takes what happens in executions.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        definition: dict[str, Any],
        job_names: str,
        job_role: iam.IRole,
        log_group: LogGroup,
    ) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(
                "states.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": stack.account}}
            ),
        )
        self._grant_jobs(role, job_names, job_role)
        self._grant_telling(role)
        machine = stepfunctions.CfnStateMachine(
            self,
            "Resource",
            definition_string=stack.to_json_string(definition),
            logging_configuration=stepfunctions.CfnStateMachine.LoggingConfigurationProperty(
                destinations=[
                    stepfunctions.CfnStateMachine.LogDestinationProperty(
                        cloud_watch_logs_log_group=stepfunctions.CfnStateMachine.CloudWatchLogsLogGroupProperty(
                            log_group_arn=log_group.arn
                        )
                    )
                ],
                include_execution_data=True,
                level="ALL",
            ),
            role_arn=role.role_arn,
            tracing_configuration=stepfunctions.CfnStateMachine.TracingConfigurationProperty(enabled=True),
        )
        machine.node.add_dependency(role.node.find_child("DefaultPolicy"))
        self.arn = machine.attr_arn

    def _grant_jobs(self, role: iam.Role, job_names: str, job_role: iam.IRole) -> None:
        stack = Stack.of(self)
        jobs = stack.format_arn(service="sagemaker", resource="processing-job", resource_name=f"{job_names}*")
        rule = stack.format_arn(service="events", resource="rule", resource_name=JOB_RULE)
        actions = ("AddTags", "CreateProcessingJob", "DescribeProcessingJob", "ListTags", "StopProcessingJob")
        to_sagemaker = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
        for allowed, resource, conditions in (
            ([f"sagemaker:{action}" for action in actions], jobs, None),
            (["events:DescribeRule", "events:PutRule", "events:PutTargets"], rule, None),
            (["iam:PassRole"], job_role.role_arn, to_sagemaker),
        ):
            role.add_to_policy(iam.PolicyStatement(actions=allowed, conditions=conditions, resources=[resource]))
        acknowledge_wildcard(role, jobs, "each build names its jobs anew; the prefix is this stack's own")

    def _grant_telling(self, role: iam.Role) -> None:
        role.add_to_policy(iam.PolicyStatement(actions=[*LOG_DELIVERY, *TRACING], resources=["*"]))
        acknowledge_wildcard(role, "*", "stands for actions that know no resource: log deliveries and traces")
        acknowledge_own_policies(role)
