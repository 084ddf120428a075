from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import CfnTag
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from sagemaker_hosting.component_alarms import ComponentAlarms, ComponentRollbackAlarms
from sagemaker_hosting.copy_scaling import CopyScaling
from sagemaker_hosting.hosted_model import HostedModel
from sagemaker_hosting.inference_component import component_deployment, component_specification
from sagemaker_hosting.instance_endpoint import InstanceEndpoint
from sagemaker_hosting.log_group import LogGroup
from sagemaker_hosting.production_variant import routing_config
from slipway.catalog import instance_types
from slipway.specs.servers.drivers import newest
from slipway.specs.timeouts import startup_timeout_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagemaker_hosting.site import Site
    from slipway.specs import Artifact, InferenceComponentsEndpointSpec
    from slipway.specs.component import Component

VARIANT: Final = "AllTraffic"
_Config = sagemaker.CfnEndpointConfig


class InferenceComponentsEndpoint(InstanceEndpoint):
    """Define an endpoint of inference components: a fleet that SageMaker sizes, and several models that share it.

    Each component has a model, copies, scaling, alarms, logs and a rolling update of its own; the endpoint has alarms
    and logs of the fleet. Components have names, because callers use them and no change of theirs replaces them.

    Args:
        spec: The endpoint to define.
        endpoint_name: Its name in the account.
        artifacts: Each model that a component names.
        site: Where it goes.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        spec: InferenceComponentsEndpointSpec,
        endpoint_name: str,
        artifacts: Mapping[str, Artifact],
        site: Site,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            alarms=spec.alarms,
            endpoint_name=endpoint_name,
            fleets={VARIANT: spec.instance_type},
            kind=spec.kind,
            site=site,
        )
        self._spec = spec
        self._artifacts = artifacts
        self._role.grant_component_metrics()
        self._vpc_config = self._place()
        endpoint = self._fleet(self._fleet_config())
        self._alarms("Alarms")
        self._add_components(endpoint)

    def _fleet_config(self) -> sagemaker.CfnEndpointConfig:
        spec = self._spec
        variant = _Config.ProductionVariantProperty(
            inference_ami_version=self._ami(),
            initial_instance_count=spec.initial_instances,
            initial_variant_weight=1,
            instance_type=spec.instance_type,
            managed_instance_scaling=_Config.ManagedInstanceScalingProperty(
                max_instance_count=spec.instances.max, min_instance_count=spec.instances.min, status="ENABLED"
            ),
            routing_config=None if spec.routing is None else routing_config(spec.routing),
            variant_name=VARIANT,
            volume_size_in_gb=spec.volume_gib,
        )
        config = self._config(
            [spec.instance_type],
            capture=spec.capture,
            # A fleet without a model of its own has no model's role, place and isolation either.
            enable_network_isolation=spec.network_isolation,
            execution_role_arn=self._role.role.role_arn,
            variants=[variant],
            vpc_config=self._fleet_place(),
        )
        config.node.add_dependency(self._role.policy)
        return config

    def _ami(self) -> str | None:
        """Return the system image that suits what all the servers ask for."""
        region, machine = self._site.environment.region, instance_types()[self._spec.instance_type]
        return newest(each.server.ami(region, machine) for each in self._spec.components)

    def _fleet_place(self) -> sagemaker.CfnEndpointConfig.VpcConfigProperty | None:
        place = self._vpc_config
        if place is None:
            return None
        return _Config.VpcConfigProperty(security_group_ids=place.security_group_ids, subnets=place.subnets)

    def _fleet(self, config: sagemaker.CfnEndpointConfig) -> sagemaker.CfnEndpoint:
        # No rollout of its own: what changes often are components, which bring their own. A guess, as AWS's pages do
        # not say whether a guarded update takes components along: a new fleet takes over all at once.
        endpoint = sagemaker.CfnEndpoint(
            self,
            "Resource",
            endpoint_config_name=config.attr_endpoint_config_name,
            endpoint_name=self._name,
        )
        endpoint.node.add_dependency(self._logs())
        return endpoint

    def _add_components(self, endpoint: sagemaker.CfnEndpoint) -> None:
        names = {component.name: f"{self._name}-{component.name}" for component in self._spec.components}
        rollback = Construct(self, "RollbackAlarms")
        watches = {
            name: ComponentRollbackAlarms(
                rollback, name, bounds=self._spec.alarms, component=full, watch=self.watch
            ).alarms
            for name, full in names.items()
        }
        watching = self._role.grant_watch([alarm for alarms in watches.values() for alarm in alarms])
        scope = Construct(self, "Components")
        for component in self._spec.components:
            parts = Construct(scope, component.name)
            resource = sagemaker.CfnInferenceComponent(
                parts,
                "Resource",
                deployment_config=component_deployment(
                    self._spec.rollout,
                    alarm_names=[alarm.ref for alarm in watches[component.name]],
                    startup_seconds=startup_timeout_seconds(component, self._artifacts[component.model]),
                ),
                endpoint_name=endpoint.attr_endpoint_name,
                inference_component_name=names[component.name],
                runtime_config=sagemaker.CfnInferenceComponent.InferenceComponentRuntimeConfigProperty(
                    copy_count=component.initial_copies
                ),
                specification=component_specification(
                    component,
                    artifact=self._artifacts[component.model],
                    model_name=self._model(parts, component).model_name,
                ),
                tags=[CfnTag(key="slipway:component", value=component.name)],
                variant_name=VARIANT,
            )
            resource.node.add_dependency(endpoint, watching, self._component_logs(parts, names[component.name]))
            self._watch_and_scale(parts, component, resource, names[component.name])

    def _model(self, scope: Construct, component: Component) -> HostedModel:
        return HostedModel(
            scope,
            "Model",
            served=self._images.serve(
                self._artifacts[component.model], component.server, self._spec.instance_type, component
            ),
            uploads=self._site.uploads,
            environment=component.environment,
            network_isolation=self._spec.network_isolation,
            role=self._role,
            vpc_config=self._vpc_config,
        )

    def _watch_and_scale(
        self, scope: Construct, component: Component, resource: sagemaker.CfnInferenceComponent, name: str
    ) -> None:
        ComponentAlarms(
            scope,
            "Alarms",
            always_there=component.least_copies > 0,
            bounds=self._spec.alarms,
            component=name,
            gpus=component.accelerators is not None and bool(instance_types()[self._spec.instance_type].gpus),
            watch=self.watch,
        )
        if component.scaling is not None:
            CopyScaling(
                scope,
                "Scaling",
                component=resource,
                component_name=name,
                scaling=component.scaling,
                watch=self.watch,
            )

    def _component_logs(self, scope: Construct, name: str) -> LogGroup:
        environment = self._site.environment
        logs = LogGroup(
            scope,
            "Logs",
            keep_data=environment.keep_data,
            key_arn=self._site.shared.key_arn,
            name=f"/aws/sagemaker/InferenceComponents/{name}",
            retention_days=environment.log_retention_days,
        )
        logs.grant_write(self._role.role)
        return logs
