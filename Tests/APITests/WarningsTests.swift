import APIMachinery
import Testing

@testable import API

@Suite struct WarningsTests {
    private func warnings(_ resource: String, _ changes: Value, over current: Value? = nil) throws -> [String] {
        let least = try #require(try LeastObjects.all()[resource])
        let kind = GroupVersionKind(
            apiVersion: least["apiVersion"]?.string ?? "", kind: least["kind"]?.string ?? "")
        let definition = try #require(BuiltinResources.shared.definition(of: kind))
        let object = try complete(MergePatch.apply(changes, to: least), definition)
        return BuiltinWarnings.of(object, replacing: current == nil ? nil : object, as: definition)
    }

    @Test(
        arguments: [
            ("pods", [:], []),
            (
                "pods", ["metadata": ["name": "a.b"]],
                [
                    "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS "
                        + "label is recommended: [must not contain dots]"
                ]
            ),
            (
                "pods", ["spec": ["nodeSelector": ["beta.kubernetes.io/arch": "amd64"]]],
                [
                    "spec.nodeSelector[beta.kubernetes.io/arch]: deprecated since v1.14; use \"kubernetes.io/arch\" instead"
                ]
            ),
            (
                "pods",
                [
                    "spec": [
                        "containers": [
                            [
                                "name": "c", "image": "i",
                                "env": [["name": "A", "value": "1"], ["name": "A", "value": "2"]],
                            ]
                        ]
                    ]
                ],
                [
                    "spec.containers[0].env[1]: hides previous definition of \"A\", which may be dropped when using apply"
                ]
            ),
            (
                "pods",
                [
                    "spec": [
                        "containers": [
                            ["name": "c", "image": "i", "resources": ["requests": ["memory": "100m"]]]
                        ]
                    ]
                ],
                [
                    "spec.containers[0].resources.requests[memory]: fractional byte value \"100m\" is invalid, must be an "
                        + "integer"
                ]
            ),
            (
                "deployments.apps",
                [
                    "spec": [
                        "template": [
                            "spec": [
                                "volumes": [["name": "v", "gitRepo": ["repository": "r"]]],
                                "imagePullSecrets": [["name": "s"], ["name": "s"], ["name": ""]],
                            ]
                        ]
                    ]
                ],
                [
                    "spec.template.spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+",
                    "spec.template.spec.imagePullSecrets[1].name: duplicate name \"s\"",
                    "spec.template.spec.imagePullSecrets[2].name: invalid empty name \"\"",
                ]
            ),
            (
                "services", ["spec": ["clusterIP": "None", "sessionAffinity": "ClientIP"]],
                ["spec.SessionAffinity is ignored for headless services"]
            ),
            (
                "ingresses.networking.k8s.io",
                ["metadata": ["annotations": ["kubernetes.io/ingress.class": "x"]]],
                [
                    "annotation \"kubernetes.io/ingress.class\" is deprecated, please use 'spec.ingressClassName' instead"
                ]
            ),
            (
                "persistentvolumes", ["spec": ["persistentVolumeReclaimPolicy": "Recycle"]],
                [
                    "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended "
                        + "approach is to use dynamic provisioning."
                ]
            ),
        ] as [(String, Value, [String])])
    func `what is good and not what was meant is warned of`(
        resource: String, changes: Value, expected: [String]
    ) throws {
        #expect(try warnings(resource, changes) == expected)
        #expect(try warnings(resource, changes, over: changes) == [], "nothing changed")
    }

    /// Of a pod, in its spec and its metadata.
    private static let podCases: [(spec: Value, annotations: Value, expected: [String])] = [
        (
            [
                "affinity": [
                    "nodeAffinity": [
                        "requiredDuringSchedulingIgnoredDuringExecution": [
                            "nodeSelectorTerms": [
                                ["matchExpressions": [["key": "beta.kubernetes.io/os", "operator": "In", "values": ["a b"]]]]
                            ]
                        ],
                        "preferredDuringSchedulingIgnoredDuringExecution": [
                            [
                                "weight": 1,
                                "preference": [
                                    "matchExpressions": [
                                        ["key": "node-role.kubernetes.io/master", "operator": "In", "values": ["-x"]]
                                    ]
                                ],
                            ]
                        ],
                    ]
                ],
                "topologySpreadConstraints": [
                    [
                        "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": [:],
                        "topologyKey": "failure-domain.beta.kubernetes.io/zone",
                    ]
                ],
            ], [:],
            [
                "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]"
                    + ".matchExpressions[0].key: beta.kubernetes.io/os is deprecated since v1.14; use \"kubernetes.io/os\" "
                    + "instead",
                "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].preference"
                    + ".matchExpressions[0].key: node-role.kubernetes.io/master is use "
                    + "\"node-role.kubernetes.io/control-plane\" instead",
                "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].preference"
                    + ".matchExpressions[0].values[0]: -x is invalid, a valid label must be an empty string or consist of "
                    + "alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
                    + "(e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
                    + "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
                "spec.topologySpreadConstraints[0].topologyKey: failure-domain.beta.kubernetes.io/zone is deprecated since "
                    + "v1.17; use \"topology.kubernetes.io/zone\" instead",
            ]
        ),
        (
            [:],
            [
                "scheduler.alpha.kubernetes.io/critical-pod": "",
                "seccomp.security.alpha.kubernetes.io/pod": "runtime/default",
                "container.seccomp.security.alpha.kubernetes.io/c": "x",
                "container.seccomp.security.alpha.kubernetes.io/none": "x",
            ],
            [
                "metadata.annotations[scheduler.alpha.kubernetes.io/critical-pod]: non-functional in v1.16+; use the "
                    + "\"priorityClassName\" field instead",
                "metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]: non-functional in v1.27+; use the "
                    + "\"seccompProfile\" field instead",
                "metadata.annotations[container.seccomp.security.alpha.kubernetes.io/c]: non-functional in v1.27+; use the "
                    + "\"seccompProfile\" field instead",
            ]
        ),
        (
            ["securityContext": ["seccompProfile": ["type": "RuntimeDefault"]]],
            ["seccomp.security.alpha.kubernetes.io/pod": "runtime/default"], []
        ),
        (
            [
                "containers": [
                    [
                        "name": "c", "image": "i",
                        "env": [
                            ["name": "A", "value": "1"], ["name": "A", "value": "$(A)2"], ["name": "A", "value": "$(A)"],
                            ["name": "A", "valueFrom": ["fieldRef": ["fieldPath": "metadata.name"]]],
                        ],
                        "ports": [
                            ["containerPort": 80], ["containerPort": 80, "hostPort": 80],
                            ["containerPort": 80, "hostPort": 80, "hostIP": "10.0.0.1"], ["containerPort": 80],
                            ["containerPort": 81, "hostIP": "10.0.0.1"],
                        ],
                    ]
                ]
            ], [:],
            [
                "spec.containers[0].env[2]: hides previous definition of \"A\", which may be dropped when using apply",
                "spec.containers[0].env[3]: hides previous definition of \"A\", which may be dropped when using apply",
                "spec.containers[0].ports[1]: overlapping port definition with spec.containers[0].ports[0]",
                "spec.containers[0].ports[2]: overlapping port definition with spec.containers[0].ports[0]",
                "spec.containers[0].ports[2]: dangerously ambiguous port definition with spec.containers[0].ports[1]",
                "spec.containers[0].ports[3]: duplicate port definition with spec.containers[0].ports[0]",
                "spec.containers[0].ports[3]: overlapping port definition with spec.containers[0].ports[1]",
                "spec.containers[0].ports[3]: overlapping port definition with spec.containers[0].ports[2]",
                "spec.containers[0].ports[4]: hostIP set without hostPort: {Name: HostPort:0 ContainerPort:81 Protocol:TCP "
                    + "HostIP:10.0.0.1}",
            ]
        ),
        (
            [
                "volumes": [
                    [
                        "name": "v",
                        "configMap": [
                            "name": "m",
                            "items": [["key": "a", "path": "p/"], ["key": "b", "path": "p/q"], ["key": "c", "path": "pq"]],
                        ],
                    ],
                    [
                        "name": "w",
                        "projected": [
                            "sources": [
                                ["secret": ["name": "s", "items": [["key": "a", "path": "x"]]]],
                                ["serviceAccountToken": ["path": "x"]], [:],
                            ]
                        ],
                    ],
                    ["name": "x", "emptyDir": ["sizeLimit": "100m"]],
                ]
            ], [:],
            [
                "spec.volumes[2].emptyDir.sizeLimit: fractional byte value \"100m\" is invalid, must be an integer",
                "volume \"v\" (ConfigMap \"m\"): overlapping paths: \"p/q\" with \"p\"",
                "volume \"w\" (Projected) has no sources provided",
                "volume \"w\" (Projected): overlapping paths: \"x\" (ServiceAccountToken) with \"x\" (Secret \"s\")",
            ]
        ),
    ]

    @Test(arguments: podCases.indices) func `pods and their templates are warned of alike`(index: Int) throws {
        let (spec, annotations, expected) = Self.podCases[index]
        let pod: Value = ["metadata": ["annotations": annotations], "spec": spec]
        #expect(try warnings("pods", pod) == expected)
        let inTemplate = expected.map { text in
            text.hasPrefix("volume ") ? text : "spec.template." + text.replacing(" with spec.", with: " with spec.template.spec.")
        }
        #expect(try warnings("deployments.apps", ["spec": ["template": pod]]) == inTemplate)
    }

    private static let other: [(resource: String, changes: Value, expected: [String])] = [
        (
            "services", ["spec": ["externalIPs": ["2001:DB8::1"], "trafficDistribution": "PreferClose"]],
            [
                "spec.externalIPs[0]: IPv6 address \"2001:DB8::1\" should be in RFC 5952 canonical format (\"2001:db8::1\")",
                "spec.externalIPs is deprecated and may no longer be implemented in some clusters",
                "spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"",
            ]
        ),
        (
            "jobs.batch", ["spec": ["completionMode": "Indexed", "completions": 100_001, "parallelism": 10_001]],
            [
                "spec: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, "
                    + "Kubernetes might not be able to track completedIndexes when a big number of indexes fail"
            ]
        ),
        (
            "runtimeclasses.node.k8s.io", ["scheduling": ["nodeSelector": ["app.kubernetes.io/created-by": "x"]]],
            ["scheduling.nodeSelector: deprecated since v1.9"]
        ),
        (
            "storageclasses.storage.k8s.io",
            [
                "allowedTopologies": [
                    ["matchLabelExpressions": [["key": "failure-domain.beta.kubernetes.io/region", "values": ["r"]]]]
                ]
            ],
            [
                "allowedTopologies[0].matchLabelExpressions[0].key: failure-domain.beta.kubernetes.io/region is deprecated "
                    + "since v1.17; use \"topology.kubernetes.io/region\" instead"
            ]
        ),
        (
            "csistoragecapacities.storage.k8s.io", ["nodeTopology": ["matchLabels": ["beta.kubernetes.io/arch": "a"]]],
            ["nodeTopology.matchLabels.beta.kubernetes.io/arch: deprecated since v1.14; use \"kubernetes.io/arch\" instead"]
        ),
        (
            "persistentvolumes",
            [
                "spec": [
                    "nodeAffinity": [
                        "required": [
                            "nodeSelectorTerms": [
                                ["matchExpressions": [["key": "beta.kubernetes.io/os", "operator": "Exists"]]]
                            ]
                        ]
                    ]
                ]
            ],
            [
                "spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].key: beta.kubernetes.io/os is deprecated "
                    + "since v1.14; use \"kubernetes.io/os\" instead"
            ]
        ),
        (
            "persistentvolumeclaims", ["spec": ["resources": ["requests": ["storage": "1500m"]]]],
            ["spec.resources.requests[storage]: fractional byte value \"1500m\" is invalid, must be an integer"]
        ),
    ]

    @Test(arguments: other.indices) func `other kinds are warned of in their own words`(index: Int) throws {
        let (resource, changes, expected) = Self.other[index]
        #expect(try warnings(resource, changes) == expected)
    }

    @Test func `who changes a pod is not warned`() throws {
        let definition = try #require(BuiltinResources.shared.definition(of: .pods))
        var new = try #require(try LeastObjects.all()["pods"])
        let old = new
        new[path: ["spec", "nodeSelector"]] = ["beta.kubernetes.io/arch": "amd64"]
        #expect(BuiltinWarnings.of(new, replacing: old, as: definition) == [])
        #expect(BuiltinWarnings.of(new, replacing: nil, as: definition).count == 1)
    }

    @Test func `kinds that are going are named`() throws {
        let endpoints = try #require(BuiltinResources.shared.definition(of: .endpoints))
        let pods = try #require(BuiltinResources.shared.definition(of: .pods))
        #expect(
            BuiltinWarnings.deprecation(of: endpoints)
                == "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice")
        #expect(BuiltinWarnings.deprecation(of: pods) == nil)
    }
}
