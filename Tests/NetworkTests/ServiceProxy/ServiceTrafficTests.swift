import API
import APIMachinery
import Support
import Testing

@testable import Host
@testable import Network

/// The proxy's rules under real packets.
@Suite struct ServiceTrafficTests {
    private static let web = "10.43.0.7"

    @Test func `a cluster IP is spread over its endpoints, which see who asks`() async throws {
        let world = try NodeWorld(pods: 3)
        for pod in 1...2 { try world.serve(pod) }
        let web = service("web", Self.web)
        try await world.install(web, [slice("web", world.endpoints(1, 2))], isFirst: true)

        // A pod keeps its address, though the answer comes over the same bridge.
        #expect(
            try world.answers(from: world.pods[2], Self.web, port: 80)
                == [.from("pod-1 10.42.0.4"), .from("pod-2 10.42.0.4")])
        // The node, and who comes from outside, are known by the node's address.
        #expect(
            try world.answers(from: world.node, Self.web, port: 80)
                == [.from("pod-1 10.42.0.1"), .from("pod-2 10.42.0.1")])
        #expect(
            try world.answers(from: world.outside, Self.web, port: 80)
                == [.from("pod-1 10.42.0.1"), .from("pod-2 10.42.0.1")])

        // One goes, one comes.
        try await world.install(web, [slice("web", world.endpoints(2))])
        #expect(try world.answers(from: world.pods[2], Self.web, port: 80) == [.from("pod-2 10.42.0.4")])
    }

    @Test func `a pod reaches itself through its service`() async throws {
        let world = try NodeWorld(pods: 1)
        try world.serve(1)
        try await world.install(service("web", Self.web), [slice("web", world.endpoints(1))], isFirst: true)
        #expect(
            try Conversation.ask(from: world.pods[0], Self.web, port: 80) == .from("pod-1 10.42.0.1"))
    }

    @Test func `a service without endpoints refuses, and works when it has one`() async throws {
        let world = try NodeWorld(pods: 2)
        try world.serve(1)
        let web = service("web", Self.web)
        try await world.install(web, [slice("web", ["10.42.0.2@node-1!"])], isFirst: true)
        for client in [world.pods[1], world.node, world.outside] {
            #expect(try Conversation.ask(from: client, Self.web, port: 80) == .refused)
        }
        try await world.install(web, [slice("web", world.endpoints(1))])
        #expect(
            try Conversation.ask(from: world.pods[1], Self.web, port: 80) == .from("pod-1 10.42.0.3"))
        // The table's own rules let everything else be.
        #expect(try Conversation.ask(from: world.pods[1], "10.42.0.2", port: 81) == .refused)
    }

    @Test func `a node port is open at all the node's addresses, the loopback one too`() async throws {
        let world = try NodeWorld(pods: 2)
        try world.serve(1)
        let web = service("web", Self.web) {
            $0.spec.type = "NodePort"
            $0.spec.ports[0].nodePort = 30_080
        }
        try await world.install(web, [slice("web", world.endpoints(1))], isFirst: true)
        let seen = Conversation.Answer.from("pod-1 10.42.0.1")
        #expect(try Conversation.ask(from: world.outside, "192.168.7.1", port: 30_080) == seen)
        #expect(try Conversation.ask(from: world.node, "192.168.7.1", port: 30_080) == seen)
        #expect(try Conversation.ask(from: world.node, "127.0.0.1", port: 30_080) == seen)
        #expect(try Conversation.ask(from: world.pods[1], "192.168.7.1", port: 30_080) == seen)
        #expect(try Conversation.ask(from: world.pods[1], "10.42.0.1", port: 30_080) == seen)
    }

    @Test func `the policy Local keeps the client's address, and drops where there is no endpoint`()
        async throws
    {
        let world = try NodeWorld(pods: 3)
        for pod in 1...2 { try world.serve(pod) }
        let web = service("web", Self.web) {
            $0.spec.type = "NodePort"
            $0.spec.ports[0].nodePort = 30_080
            $0.spec.externalTrafficPolicy = "Local"
        }
        // Pod 2 plays a pod of another node.
        let endpoints = ["10.42.0.2@node-1", "10.42.0.3@node-2"]
        try await world.install(web, [slice("web", endpoints)], isFirst: true)
        #expect(
            try world.answers(from: world.outside, "192.168.7.1", port: 30_080)
                == [.from("pod-1 192.168.7.2")])
        #expect(
            try world.answers(from: world.pods[2], "192.168.7.1", port: 30_080)
                == [.from("pod-1 10.42.0.4"), .from("pod-2 10.42.0.4")])
        #expect(
            try world.answers(from: world.node, "192.168.7.1", port: 30_080)
                == [.from("pod-1 10.42.0.1"), .from("pod-2 10.42.0.1")])

        try await world.install(web, [slice("web", ["10.42.0.3@node-2"])])
        #expect(
            try Conversation.ask(from: world.outside, "192.168.7.1", port: 30_080, patience: 300) == .silence)
        #expect(
            try Conversation.ask(from: world.pods[2], "192.168.7.1", port: 30_080)
                == .from("pod-2 10.42.0.4"))
    }

    @Test func `a client keeps its endpoint, through changes of the others`() async throws {
        let world = try NodeWorld(pods: 4)
        for pod in 1...3 { try world.serve(pod) }
        let web = service("web", Self.web) { $0.spec.sessionAffinity = "ClientIP" }
        try await world.install(web, [slice("web", world.endpoints(1, 2))], isFirst: true)
        let first = try world.answers(from: world.pods[3], Self.web, port: 80, count: 20)
        #expect(first.count == 1)

        try await world.install(web, [slice("web", world.endpoints(1, 2, 3))])
        #expect(try world.answers(from: world.pods[3], Self.web, port: 80, count: 20) == first)

        let other = first == [.from("pod-1 10.42.0.5")] ? 2 : 1
        try await world.install(web, [slice("web", world.endpoints(other))])
        #expect(
            try world.answers(from: world.pods[3], Self.web, port: 80, count: 20)
                == [.from("pod-\(other) 10.42.0.5")])
        // Without a memory all three answer again, and nothing of the memory is left.
        try await world.install(service("web", Self.web), [slice("web", world.endpoints(1, 2, 3))])
        #expect(try world.answers(from: world.pods[3], Self.web, port: 80).count == 3)
        #expect(
            try Nftables.Socket(in: world.node).chains(.inet, "k3s").allSatisfy { !$0.hasPrefix("affinity") })
    }

    @Test func `addresses of a load balancer let in whom they name`() async throws {
        let world = try NodeWorld(pods: 1)
        try world.serve(1)
        func web(from range: String) -> Service {
            service("web", Self.web) {
                $0.spec.type = "LoadBalancer"
                $0.spec.loadBalancerSourceRanges = [range, "10.0.0.0/8"]
                $0.spec.externalIPs = ["203.0.113.5"]
                var ingress = LoadBalancerIngress()
                ingress.ip = "203.0.113.9"
                $0.status.loadBalancer.ingress = [ingress]
            }
        }
        let slices = [slice("web", world.endpoints(1))]
        try await world.install(web(from: "192.168.0.0/16"), slices, isFirst: true)
        let seen = Conversation.Answer.from("pod-1 10.42.0.1")
        #expect(try Conversation.ask(from: world.outside, "203.0.113.9", port: 80) == seen)
        try await world.install(web(from: "172.16.0.0/12"), slices)
        #expect(try Conversation.ask(from: world.outside, "203.0.113.9", port: 80, patience: 300) == .silence)
        #expect(try Conversation.ask(from: world.outside, "203.0.113.5", port: 80) == seen)
    }

    @Test func `a host port leads to its pod, with the client's address`() async throws {
        let world = try NodeWorld(pods: 2)
        try world.serve(1)
        var pod = Pod(namespace: "default", name: "web")
        pod.status.phase = "Running"
        var ip = PodIP()
        ip.ip = "10.42.0.2"
        pod.status.podIPs = [ip]
        var port = ContainerPort()
        (port.hostPort, port.containerPort, port.protocol) = (8000, 8080, "TCP")
        var container = Container()
        container.ports = [port]
        pod.spec.containers = [container]
        try await world.install(pod, isFirst: true)
        #expect(
            try Conversation.ask(from: world.outside, "192.168.7.1", port: 8000) == .from("pod-1 192.168.7.2")
        )
        #expect(try Conversation.ask(from: world.node, "127.0.0.1", port: 8000) == .from("pod-1 10.42.0.1"))
        #expect(
            try Conversation.ask(from: world.pods[1], "192.168.7.1", port: 8000) == .from("pod-1 10.42.0.3"))
        pod.status.phase = "Succeeded"
        try await world.install(pod)
        #expect(try Conversation.ask(from: world.outside, "192.168.7.1", port: 8000) == .refused)
    }

    @Test func `a pod leaves the cluster under the node's address`() async throws {
        let world = try NodeWorld(pods: 2)
        try await world.install(service("web", Self.web), [], isFirst: true)
        let world2 = try Conversation.serve("world", in: world.outside, port: 8080)
        #expect(
            try Conversation.ask(from: world.pods[0], "192.168.7.2", port: 8080) == .from("world 192.168.7.1")
        )
        _ = world2
        try world.serve(2)
        #expect(
            try Conversation.ask(from: world.pods[0], "10.42.0.3", port: 8080) == .from("pod-2 10.42.0.2"))
    }

    @Test func `a node port is open where node ports shall be`() async throws {
        let range = try #require(IPPrefix("192.168.7.0/24"))
        let world = try NodeWorld(pods: 2) { $0.nodePortRanges = [range] }
        try world.serve(1)
        let web = service("web", Self.web) {
            $0.spec.type = "NodePort"
            $0.spec.ports[0].nodePort = 30_080
        }
        try await world.install(web, [slice("web", world.endpoints(1))], isFirst: true)
        let seen = Conversation.Answer.from("pod-1 10.42.0.1")
        #expect(try Conversation.ask(from: world.outside, "192.168.7.1", port: 30_080) == seen)
        #expect(try Conversation.ask(from: world.node, "127.0.0.1", port: 30_080) == .refused)
    }

    @Test func `a UDP client that keeps its port is led to the endpoint that remains`() async throws {
        let world = try NodeWorld(pods: 3)
        for pod in 1...2 { try world.serve(pod, .udp) }
        let dns = service("dns", Self.web, port: 53, transport: "UDP") {
            $0.spec.type = "NodePort"
            $0.spec.ports[0].nodePort = 30_053
        }
        func answer(_ client: NetworkNamespace, _ address: String, _ port: UInt16) throws
            -> Conversation.Answer
        {
            try Conversation.ask(from: client, address, port: port, .udp, source: 40_000)
        }
        for (pod, node) in [(1, "10.42.0.1"), (2, "10.42.0.1")] {
            let slices = [slice("dns", world.endpoints(pod), transport: "UDP")]
            try await world.install(dns, slices, isFirst: pod == 1)
            #expect(try answer(world.pods[2], Self.web, 53) == .from("pod-\(pod) 10.42.0.4"))
            #expect(try answer(world.outside, "192.168.7.1", 30_053) == .from("pod-\(pod) \(node)"))
        }
        try await world.install(dns, [])
        #expect(try answer(world.pods[2], Self.web, 53) == .refused)
    }

    @Test func `other tables stay, and what nft reads is a table that it understands`() async throws {
        let world = try NodeWorld(pods: 3)
        _ = try await world.node.output(of: "nft", "add table ip filter { chain foreign { counter; }; }")
        let web = service("web", Self.web) {
            $0.spec.type = "NodePort"
            $0.spec.ports[0].nodePort = 30_080
            $0.spec.externalTrafficPolicy = "Local"
        }
        try await world.install(web, [slice("web", world.endpoints(1, 2, 3))], isFirst: true)
        let text = try await world.node.output(of: "nft", "--numeric-protocol", "list", "ruleset")
        #expect(text.contains("chain foreign"))
        #expect(text.contains("10.43.0.7 . 6 . 80 : goto address-outsiders-3"))
        #expect(text.contains("chain node-local-3-of-3"))

        try await world.install(web, [])
        let chains = try Nftables.Socket(in: world.node).chains(.inet, "k3s").sorted()
        #expect(
            chains == ServiceTable.chains(world.options).map(\.name).sorted(),
            "nothing is left that is not used")
    }
}
