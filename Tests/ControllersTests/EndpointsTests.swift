import API
import APIMachinery
import Support
import Testing

@testable import Controllers

@Suite struct EndpointsTests {
    @Test func `slices list the pods of a service`() {
        var world = World()
        Conversation(
            """
            service targetPort=http
            sync
            ----
            create IPv4 -

            # Ready and not ready; the port is named by the container.
            pod a 10.0.0.1 ready
            pod b 10.0.0.2
            pod c - ready          # no address yet
            sync
            endpoints
            ----
            create IPv4 8080 10.0.0.1:ready,serving 10.0.0.2:
            delete
            10.0.0.1 not 10.0.0.2 on 8080

            pod b 10.0.0.2 ready
            sync
            sync
            ----
            update IPv4 8080 10.0.0.1:ready,serving 10.0.0.2:ready,serving

            # On its way out it still serves, but gets no new connections.
            pod a 10.0.0.1 ready deleting
            sync
            endpoints
            ----
            update IPv4 8080 10.0.0.1:serving,terminating 10.0.0.2:ready,serving
            10.0.0.2 on 8080

            pod a 10.0.0.1 ready over
            pod b 10.0.0.2 ready over
            sync
            sync
            ----
            create IPv4 -
            delete

            service targetPort=80 all
            pod d 10.0.0.4
            sync
            endpoints
            ----
            create IPv4 80 10.0.0.4:ready
            delete
            10.0.0.4 on 80
            """
        ).check { world.answer($0) }
    }

    @Test func `a slice has at most a hundred endpoints, and keeps those it has`() {
        var world = World()
        _ = world.answer(["service", "targetPort=80"])
        for index in 0..<150 {
            _ = world.answer(["pod", "p\(1000 + index)", "10.0.\(index / 100).\(index % 100)", "ready"])
        }
        #expect(world.answer(["sync"]).count == 2)
        #expect(world.slices.map(\.endpoints.count).sorted() == [50, 100])
        _ = world.answer(["pod", "p1000", "10.0.0.0", "ready", "over"])
        #expect(world.answer(["sync"]).count == 1, "one slice changes, the other is left as it is")
    }

    private struct World {
        var service = Service(namespace: "default", name: "web")
        var pods: [String: Pod] = [:]
        var slices: [EndpointSlice] = []
        private var created = 0

        private var backends: ServiceBackends { ServiceBackends(service: service, pods: Array(pods.values)) }

        mutating func answer(_ command: [String]) -> [String] {
            switch command[0] {
            case "service":
                var port = ServicePort()
                port.port = 80
                port.targetPort = IntOrString(parsing: options(command)["targetPort"] ?? "").json
                service.spec.ports = [port]
                service.spec.publishNotReadyAddresses = command.contains("all")
            case "pod": pods[command[1]] = pod(command)
            case "sync":
                let actions = EndpointSliceDecision(backends: backends, slices: slices).actions
                return actions.map { apply($0) }
            default:
                return EndpointsDecision(backends: backends).wanted(over: nil).subsets.map { subset in
                    var words = subset.addresses.map(\.ip)
                    if !subset.notReadyAddresses.isEmpty {
                        words += ["not"] + subset.notReadyAddresses.map(\.ip)
                    }
                    return (words + ["on"] + subset.ports.map { String($0.port) }).joined(separator: " ")
                }
            }
            return []
        }

        private mutating func apply(_ action: EndpointSliceDecision.Action) -> String {
            switch action {
            case .create(var slice):
                created += 1
                slice.metadata.name = "web-\(created)"
                slices.append(slice)
                return "create " + describe(slice)
            case .update(let slice):
                slices = slices.map { $0.metadata.name == slice.metadata.name ? slice : $0 }
                return "update " + describe(slice)
            case .delete(let slice):
                slices.removeAll { $0.metadata.name == slice.metadata.name }
                return "delete"
            }
        }

        private func describe(_ slice: EndpointSlice) -> String {
            let ports = slice.ports.map { String($0.port ?? 0) }.joined(separator: ",")
            let endpoints = slice.endpoints.map { endpoint in
                let conditions = endpoint.conditions
                let words = [
                    (conditions.ready, "ready"), (conditions.serving, "serving"),
                    (conditions.terminating, "terminating"),
                ].filter { $0.0 == true }.map(\.1)
                return (endpoint.addresses.first ?? "") + ":" + words.joined(separator: ",")
            }
            return ([slice.addressType, ports.isEmpty ? "-" : ports] + endpoints).joined(separator: " ")
        }

        private func pod(_ command: [String]) -> Pod {
            var pod = Pod(namespace: "default", name: command[1])
            pod.metadata.uid = command[1]
            pod.spec = PodSpec([
                "containers": [["name": "web", "ports": [["name": "http", "containerPort": 8080]]]]
            ])
            pod.status.phase = command.contains("over") ? "Succeeded" : "Running"
            if command[2] != "-" { pod.status.podIP = command[2] }
            if command.contains("deleting") { pod.metadata.deletionTimestamp = Timestamp(seconds: 1) }
            var condition = PodCondition()
            condition.type = "Ready"
            condition.status = command.contains("ready") ? "True" : "False"
            pod.status.conditions = [condition]
            return pod
        }
    }
}
