import APIMachinery
import Support
import Testing

@testable import API

@Suite struct ViewTests {
    @Test func `a view writes the tree as Go would`() {
        var pod = Pod(namespace: "default", name: "web")
        var container = Container()
        container.name = "main"
        container.image = "nginx"
        container.ports = [ContainerPort(["containerPort": 80])]
        container.resources.limits = ["cpu": "500m"]
        pod.spec.containers = [container]
        pod.spec.restartPolicy = RestartPolicy.never
        pod.metadata.labels["app"] = "web"
        #expect(
            pod.value == [
                "apiVersion": "v1", "kind": "Pod",
                "metadata": ["name": "web", "namespace": "default", "labels": ["app": "web"]],
                "spec": [
                    "containers": [
                        [
                            "name": "main", "image": "nginx", "ports": [["containerPort": 80]],
                            "resources": ["limits": ["cpu": "500m"]],
                        ]
                    ],
                    "restartPolicy": "Never",
                ],
            ])
        #expect(pod.objectName == ObjectName(namespace: "default", name: "web"))
    }

    @Test func `absence is zero for plain fields and nil for pointers`() {
        let pod = Pod()
        #expect(pod.spec.nodeName == "")
        #expect(pod.spec.containers.isEmpty)
        #expect(pod.spec.terminationGracePeriodSeconds == nil)
        #expect(pod.spec.securityContext == nil)
        #expect(pod.metadata.deletionTimestamp == nil)
        #expect(ServicePort().targetPort == 0)
    }

    @Test func `unknown fields stay`() {
        var node = Node(["spec": ["new": [1, 2]], "x": true])
        node.spec.unschedulable = true
        #expect(node.value == ["spec": ["new": [1, 2], "unschedulable": true], "x": true])
    }

    @Test func `bytes and times have their own types`() {
        var secret = Secret()
        secret.data = ["key": Array("value".utf8)]
        #expect(secret.value["data"] == ["key": "dmFsdWU="])
        #expect(secret.data == ["key": Array("value".utf8)])
        var lease = Lease()
        lease.spec.renewTime = Timestamp("2026-11-21T01:02:03.5Z")
        #expect(lease.value.at("spec", "renewTime") == "2026-11-21T01:02:03.500000Z")
        #expect(lease.spec.renewTime == Timestamp("2026-11-21T01:02:03.5Z"))
    }
}
