"""The cluster of Microsoft's FPGA sample, in plain azure-native: one node of Standard_PB6s, and no purpose.

In the sample it is `AksCompute.provisioning_configuration(vm_size="Standard_PB6s", agent_count=1, ...)`
(how-to-deploy-fpga-web-service.md, 2020-03-05).
"""

from pulumi_azure_native import machinelearningservices as ml

ml.Compute(
    "inference",
    resource_group_name="rg-diabetes",
    workspace_name="mlw-diabetes",
    compute_name="inference",
    location="eastus",
    properties=ml.AKSArgs(
        compute_type="AKS",
        properties=ml.AKSSchemaPropertiesArgs(agent_count=1, agent_vm_size="Standard_PB6s"),
    ),
)
