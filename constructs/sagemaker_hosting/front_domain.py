from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_route53 as route53
from constructs import Construct

if TYPE_CHECKING:
    from slipway.specs.front_parts import Domain


class FrontDomain(Construct):
    """Define an address of one's own for an API: TLS 1.2 at least, and an alias record where the zone is known.

    Args:
        api: What answers there.
        domain: Name, certificate and zone.
    """

    def __init__(self, scope: Construct, construct_id: str, *, api: apigateway.RestApi, domain: Domain) -> None:
        super().__init__(scope, construct_id)
        self.url = f"https://{domain.name}"
        name = apigateway.DomainName(
            self,
            "Resource",
            certificate=acm.Certificate.from_certificate_arn(self, "Certificate", domain.certificate_arn),
            domain_name=domain.name,
            endpoint_type=apigateway.EndpointType.REGIONAL,
            security_policy=apigateway.SecurityPolicy.TLS_1_2,
        )
        name.add_base_path_mapping(api, stage=api.deployment_stage)
        if domain.hosted_zone_id is not None:
            route53.CfnRecordSet(
                self,
                "Record",
                alias_target=route53.CfnRecordSet.AliasTargetProperty(
                    dns_name=name.domain_name_alias_domain_name,
                    hosted_zone_id=name.domain_name_alias_hosted_zone_id,
                ),
                hosted_zone_id=domain.hosted_zone_id,
                name=domain.name,
                type="A",
            )
