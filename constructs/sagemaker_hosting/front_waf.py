from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Arn, ArnComponents, ArnFormat, Stack
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from sagemaker_hosting.log_group import LogGroup

if TYPE_CHECKING:
    from aws_cdk import aws_apigateway as apigateway

    from sagemaker_hosting.site import Site
    from slipway.specs.front_parts import Waf

RATE_LIMIT: Final = 2000
# What a model is asked is text that nobody executes, of any length: markup, paths and addresses in it are legal.
BODY_RULES: Final = (
    "CrossSiteScripting_BODY",
    "EC2MetaDataSSRF_BODY",
    "GenericLFI_BODY",
    "GenericRFI_BODY",
    "SizeRestrictions_BODY",
)
SECRET_HEADERS: Final = ("authorization", "x-amz-security-token", "x-api-key")
_Acl = wafv2.CfnWebACL


class FrontWaf(Construct):
    """Define what filters requests before API Gateway counts them, or use a web ACL that is there already.

    Its own ACL holds AWS's IP reputation list and common rules, and a bound on each address. The common rules that
    look into bodies count and do not block. Its log leaves out the headers that hold secrets.

    Args:
        stage: What is filtered.
        waf: Bounds, or the other web ACL.
        endpoint_name: Of the endpoint behind it.
        site: Where it goes.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: apigateway.Stage,
        waf: Waf,
        endpoint_name: str,
        site: Site,
    ) -> None:
        super().__init__(scope, construct_id)
        self._endpoint_name, self._site = endpoint_name, site
        arn = waf.web_acl_arn
        if arn is None:
            limit = RATE_LIMIT if waf.rate_limit_per_5_minutes is None else waf.rate_limit_per_5_minutes
            arn = self._own_acl(limit)
        wafv2.CfnWebACLAssociation(self, "Association", resource_arn=stage.stage_arn, web_acl_arn=arn)

    def _own_acl(self, rate_limit: int) -> str:
        acl = _Acl(
            self,
            "Resource",
            default_action=_Acl.DefaultActionProperty(allow={}),
            description=f"Front of {self._endpoint_name}",
            rules=[
                self._rate(rate_limit),
                self._managed(1, "AWSManagedRulesAmazonIpReputationList", counted=()),
                self._managed(2, "AWSManagedRulesCommonRuleSet", counted=BODY_RULES),
            ],
            scope="REGIONAL",
            visibility_config=self._seen("WebAcl"),
        )
        self._log(acl)
        return acl.attr_arn

    def _rate(self, limit: int) -> wafv2.CfnWebACL.RuleProperty:
        too_many = _Acl.BlockActionProperty(custom_response=_Acl.CustomResponseProperty(response_code=429))
        return _Acl.RuleProperty(
            action=_Acl.RuleActionProperty(block=too_many),
            name="EachAddress",
            priority=0,
            statement=_Acl.StatementProperty(
                rate_based_statement=_Acl.RateBasedStatementProperty(aggregate_key_type="IP", limit=limit)
            ),
            visibility_config=self._seen("EachAddress"),
        )

    def _managed(self, priority: int, name: str, *, counted: tuple[str, ...]) -> wafv2.CfnWebACL.RuleProperty:
        group = _Acl.ManagedRuleGroupStatementProperty(
            name=name,
            rule_action_overrides=[
                _Acl.RuleActionOverrideProperty(action_to_use=_Acl.RuleActionProperty(count={}), name=rule)
                for rule in counted
            ]
            or None,
            vendor_name="AWS",
        )
        return _Acl.RuleProperty(
            name=name,
            override_action=_Acl.OverrideActionProperty(none={}),
            priority=priority,
            statement=_Acl.StatementProperty(managed_rule_group_statement=group),
            visibility_config=self._seen(name),
        )

    def _seen(self, name: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
        # No sampled requests: they would show what was asked, headers and all, to everyone who may read the ACL.
        return _Acl.VisibilityConfigProperty(
            cloud_watch_metrics_enabled=True,
            metric_name=f"{self._endpoint_name}-{name}",
            sampled_requests_enabled=False,
        )

    def _log(self, acl: wafv2.CfnWebACL) -> None:
        logs = LogGroup(
            self,
            "Logs",
            keep_data=self._site.environment.keep_data,
            key_arn=self._site.shared.key_arn,
            name=f"aws-waf-logs-slipway-{self._endpoint_name}",  # AWS WAF takes no other beginning
            retention_days=self._site.environment.log_retention_days,
        )
        # The group's own ARN ends in ':*', which AWS WAF refuses.
        group = Arn.format(
            ArnComponents(
                arn_format=ArnFormat.COLON_RESOURCE_NAME,
                resource="log-group",
                resource_name=logs.group.log_group_name,
                service="logs",
            ),
            Stack.of(self),
        )
        wafv2.CfnLoggingConfiguration(
            self,
            "Logging",
            log_destination_configs=[group],
            redacted_fields=[
                wafv2.CfnLoggingConfiguration.FieldToMatchProperty(single_header={"Name": header})
                for header in SECRET_HEADERS
            ],
            resource_arn=acl.attr_arn,
        )
