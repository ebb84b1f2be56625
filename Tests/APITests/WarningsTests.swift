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
                    "spec.template.spec.volumes[0].gitRepo: deprecated in v1.11",
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

    @Test func `kinds that are going are named`() throws {
        let endpoints = try #require(BuiltinResources.shared.definition(of: .endpoints))
        let pods = try #require(BuiltinResources.shared.definition(of: .pods))
        #expect(
            BuiltinWarnings.deprecation(of: endpoints)
                == "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice")
        #expect(BuiltinWarnings.deprecation(of: pods) == nil)
    }
}
