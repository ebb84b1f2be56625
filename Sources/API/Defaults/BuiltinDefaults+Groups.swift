import APIMachinery

// One table per API group. Pods have a file of their own.
extension BuiltinDefaults {
    static let core: [String: [DefaultRule]] = [
        "ReplicationController": [
            .copy("spec.selector", from: "spec.template.metadata.labels"),
            .copy("metadata.labels", from: "spec.template.metadata.labels"),
        ],
        "Service": [
            .set("spec.sessionAffinity", "None"),
            .set(
                "spec.sessionAffinityConfig.clientIP.timeoutSeconds", 10_800,
                when: .field("spec.sessionAffinity", is: "ClientIP")),
            .set("spec.type", "ClusterIP"),
            .change(completeService),
        ],
        "ServicePort": [.change(completeTargetPort)],
        "Secret": [.set("type", "Opaque"), .change(encodeStringData)],
        "PersistentVolume": [
            .set("status.phase", "Pending"), .set("spec.persistentVolumeReclaimPolicy", "Retain"),
            .set("spec.volumeMode", "Filesystem"),
        ],
        "PersistentVolumeClaim": [.set("status.phase", "Pending")],
        "PersistentVolumeClaimSpec": [.set("volumeMode", "Filesystem")],
        "EndpointPort": [.set("protocol", "TCP")],
        "Namespace": [.change(labelNamespace)],
        "NamespaceStatus": [.set("phase", "Active")],
        "NodeSpec": [.change { match("podCIDR", withFirstOf: "podCIDRs", in: &$0) }],
        "NodeStatus": [.copy("allocatable", from: "capacity")],
        "LimitRangeItem": [.change(completeLimits)],
    ]

    static let apps: [String: [DefaultRule]] = [
        "Deployment": [
            .set("spec.replicas", 1), .set("spec.strategy.type", "RollingUpdate"),
            .set(
                "spec.strategy.rollingUpdate.maxUnavailable", "25%",
                when: .field("spec.strategy.type", is: "RollingUpdate")),
            .set(
                "spec.strategy.rollingUpdate.maxSurge", "25%",
                when: .field("spec.strategy.type", is: "RollingUpdate")),
            .set("spec.revisionHistoryLimit", 10), .set("spec.progressDeadlineSeconds", 600),
        ],
        "DaemonSet": [
            .set("spec.updateStrategy.type", "RollingUpdate"),
            .set(
                "spec.updateStrategy.rollingUpdate.maxUnavailable", 1,
                when: .field("spec.updateStrategy.type", is: "RollingUpdate")),
            .set(
                "spec.updateStrategy.rollingUpdate.maxSurge", 0,
                when: .field("spec.updateStrategy.type", is: "RollingUpdate")),
            .set("spec.revisionHistoryLimit", 10),
        ],
        "StatefulSet": [
            .set("spec.podManagementPolicy", "OrderedReady"), .change(completeUpdateStrategy),
            .change(nameClaimTemplates),
            .set("spec.persistentVolumeClaimRetentionPolicy.whenDeleted", "Retain"),
            .set("spec.persistentVolumeClaimRetentionPolicy.whenScaled", "Retain"), .set("spec.replicas", 1),
            .set("spec.revisionHistoryLimit", 10),
        ],
        "ReplicaSet": [.set("spec.replicas", 1)],
    ]

    static let batch: [String: [DefaultRule]] = [
        "Job": [
            .set("spec.completions", 1, when: .isUnset("spec.completions", "spec.parallelism")),
            .set("spec.parallelism", 1),
            .set("spec.backoffLimit", 6, when: .isUnset("spec.backoffLimitPerIndex")),
            .set("spec.backoffLimit", 2_147_483_647, when: .isSet("spec.backoffLimitPerIndex")),
            .copy("metadata.labels", from: "spec.template.metadata.labels"),
            .set("spec.completionMode", "NonIndexed"), .set("spec.suspend", false),
            .set("spec.podReplacementPolicy", "TerminatingOrFailed", when: .isUnset("spec.podFailurePolicy")),
            .set("spec.podReplacementPolicy", "Failed", when: .isSet("spec.podFailurePolicy")),
            .set("spec.manualSelector", false),
        ],
        "CronJob": [
            .set("spec.concurrencyPolicy", "Allow"), .set("spec.suspend", false),
            .set("spec.successfulJobsHistoryLimit", 3), .set("spec.failedJobsHistoryLimit", 1),
        ],
        "PodFailurePolicyOnPodConditionsPattern": [.set("status", "True")],
    ]

    static let autoscaling: [String: [DefaultRule]] = [
        "HorizontalPodAutoscaler": [
            .set("spec.minReplicas", 1),
            .set(
                "spec.metrics",
                [
                    [
                        "type": "Resource",
                        "resource": [
                            "name": "cpu", "target": ["type": "Utilization", "averageUtilization": 80],
                        ],
                    ]
                ]),
            .set("spec.behavior.scaleUp.stabilizationWindowSeconds", 0, when: .isSet("spec.behavior")),
            .set("spec.behavior.scaleUp.selectPolicy", "Max", when: .isSet("spec.behavior")),
            .set(
                "spec.behavior.scaleUp.policies",
                [
                    ["type": "Pods", "value": 4, "periodSeconds": 15],
                    ["type": "Percent", "value": 100, "periodSeconds": 15],
                ], when: .isSet("spec.behavior")),
            .set("spec.behavior.scaleDown.selectPolicy", "Max", when: .isSet("spec.behavior")),
            .set(
                "spec.behavior.scaleDown.policies", [["type": "Percent", "value": 100, "periodSeconds": 15]],
                when: .isSet("spec.behavior")),
        ]
    ]

    static let networking: [String: [DefaultRule]] = [
        "NetworkPolicyPort": [.set("protocol", "TCP")],
        "NetworkPolicy": [
            .set("spec.policyTypes", ["Ingress"], when: .isUnset("spec.egress")),
            .set("spec.policyTypes", ["Ingress", "Egress"], when: .isSet("spec.egress")),
        ],
        "IngressClass": [.set("spec.parameters.scope", "Cluster", when: .isSet("spec.parameters"))],
    ]

    private static let rbacGroup: Value = "rbac.authorization.k8s.io"

    static let rbac: [String: [DefaultRule]] = [
        "ClusterRoleBinding": [.set("roleRef.apiGroup", rbacGroup)],
        "RoleBinding": [.set("roleRef.apiGroup", rbacGroup)],
        "Subject": [.set("apiGroup", rbacGroup, when: .field("kind", is: "User", "Group"))],
    ]

    static let storage: [String: [DefaultRule]] = [
        "StorageClass": [.set("reclaimPolicy", "Delete"), .set("volumeBindingMode", "Immediate")],
        "CSIDriver": [
            .set("spec.attachRequired", true), .set("spec.podInfoOnMount", false),
            .set("spec.storageCapacity", false),
            .set("spec.fsGroupPolicy", "ReadWriteOnceWithFSType"),
            .set("spec.volumeLifecycleModes", ["Persistent"]),
            .set("spec.requiresRepublish", false), .set("spec.seLinuxMount", false),
        ],
    ]

    private static let webhook: [DefaultRule] = [
        .set("failurePolicy", "Fail"), .set("matchPolicy", "Equivalent"),
        .set("namespaceSelector", .emptyObject),
        .set("objectSelector", .emptyObject), .set("timeoutSeconds", 10),
    ]

    static let admission: [String: [DefaultRule]] = [
        "ValidatingWebhook": webhook,
        "MutatingWebhook": webhook + [.set("reinvocationPolicy", "Never")],
        "Rule": [.set("scope", "*")],
        "RuleWithOperations": [.set("scope", "*")],
        "NamedRuleWithOperations": [.set("scope", "*")],
        "ServiceReference": [.set("port", 443)],
        "ValidatingAdmissionPolicySpec": [.set("failurePolicy", "Fail")],
        "MutatingAdmissionPolicySpec": [.set("failurePolicy", "Fail")],
        "MatchResources": [
            .set("matchPolicy", "Equivalent"), .set("namespaceSelector", .emptyObject),
            .set("objectSelector", .emptyObject),
        ],
    ]

    static let extensions: [String: [DefaultRule]] = [
        "CustomResourceDefinition": [
            .change(completeNames),
            .set("spec.conversion.strategy", "None", when: .isUnset("spec.conversion")),
        ],
        "ServiceReference": [.set("port", 443)],
    ]

    static let flowControl: [String: [DefaultRule]] = [
        "FlowSchemaSpec": [numbers(["matchingPrecedence": 1000])],
        "ExemptPriorityLevelConfiguration": [
            .set("nominalConcurrencyShares", 0), .set("lendablePercent", 0),
        ],
        "LimitedPriorityLevelConfiguration": [
            .set("nominalConcurrencyShares", 30), .set("lendablePercent", 0),
        ],
        "QueuingConfiguration": [numbers(["handSize": 8, "queues": 64, "queueLengthLimit": 50])],
    ]

    /// Numbers of which 0 means that there is none.
    private static func numbers(_ numbers: [String: Int64]) -> DefaultRule {
        .change { object in
            for (key, number) in numbers where object[key].isUnset || object[key] == 0 {
                object[key] = .integer(number)
            }
        }
    }

    private static let deviceCount: [DefaultRule] = [
        .set("allocationMode", "ExactCount"),
        .set("count", 1, when: .field("allocationMode", is: "ExactCount")),
    ]

    static let resource: [String: [DefaultRule]] = [
        "ExactDeviceRequest": deviceCount,
        "DeviceSubRequest": deviceCount,
    ]
}
