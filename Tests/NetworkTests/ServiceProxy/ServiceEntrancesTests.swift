import API
import APIMachinery
import Support
import Testing

@testable import Network

/// What services, slices and pods ask for, before any rule is made of it.
@Suite struct ServiceEntrancesTests {
    private func entrances(
        _ service: Service, _ slices: [EndpointSlice] = [], own: [String] = []
    ) throws -> [Entrance.Key: Entrance] {
        var options = try nodeOptions()
        options.ownClusterIPs = Set(try own.map { try address($0) })
        return ServiceEntrances(service: service, slices: slices, options: options).entrances
    }

    private func at(_ ip: String, _ port: UInt16 = 80, _ transport: Transport = .tcp) throws -> Entrance.Key {
        .address(try address(ip), TransportPort(transport: transport, number: port))
    }

    private func text(_ backends: [Backend]?) -> [String]? { backends?.map { "\($0.address):\($0.port)" } }

    @Test(arguments: [
        (["10.42.0.2", "10.42.0.3"], ["10.42.0.2:8080", "10.42.0.3:8080"]),
        (["10.42.0.3!", "10.42.0.2"], ["10.42.0.2:8080"]),
        // Those that end serve on when there is no other.
        (["10.42.0.3~", "10.42.0.2"], ["10.42.0.2:8080"]),
        (["10.42.0.3~", "10.42.0.2!"], ["10.42.0.3:8080"]),
        (["10.42.0.3!~"], []),
        (["10.42.0.2", "10.42.0.2", "nonsense"], ["10.42.0.2:8080"]),
        ([], []),
    ])
    func `endpoints that are ready are taken`(endpoints: [String], taken: [String]) throws {
        let found = try entrances(service("web", "10.43.0.7"), [slice("web", endpoints)])
        #expect(text(found[try at("10.43.0.7")]?.backends) == taken)
    }

    @Test func `an endpoint belongs to the port of its name and protocol`() throws {
        let web = service("web", "10.43.0.7") {
            var ports = ["http", "metrics"].map { name in
                var port = ServicePort()
                (port.name, port.protocol, port.port) = (name, "TCP", name == "http" ? 80 : 90)
                return port
            }
            ports.append(ports[0])
            (ports[2].name, ports[2].protocol) = ("quic", "UDP")
            $0.spec.ports = ports
        }
        let slices = [
            slice("web", ["10.42.0.2"], port: 8080, portName: "http", number: 1),
            slice("web", ["10.42.0.3"], port: 8081, portName: "http", number: 2),
            slice("web", ["10.42.0.2"], port: 9090, portName: "metrics", number: 3),
            slice("web", ["10.42.0.9"], port: 8080, portName: "quic", number: 4),
        ]
        let found = try entrances(web, slices)
        #expect(text(found[try at("10.43.0.7")]?.backends) == ["10.42.0.2:8080", "10.42.0.3:8081"])
        #expect(text(found[try at("10.43.0.7", 90)]?.backends) == ["10.42.0.2:9090"])
        #expect(text(found[try at("10.43.0.7", 80, .udp)]?.backends) == [], "TCP is not UDP")
    }

    @Test func `what another proxy serves, headless and external services have no entrance`() throws {
        let slices = [slice("web", ["10.42.0.2"])]
        #expect(try entrances(service("web", "None"), slices).isEmpty)
        #expect(try entrances(service("web", "10.43.0.7") { $0.spec.type = "ExternalName" }, slices).isEmpty)
        let foreign = service("web", "10.43.0.7") {
            $0.metadata.labels = ["service.kubernetes.io/service-proxy-name": "mine"]
        }
        #expect(try entrances(foreign, slices).isEmpty)
        #expect(try entrances(service("web", "10.43.0.7"), slices, own: ["10.43.0.7"]).isEmpty)
    }

    @Test func `a load balancer's service has all kinds of entrances, with a policy each`() throws {
        let web = service("web", "10.43.0.7") {
            $0.spec.type = "LoadBalancer"
            $0.spec.ports[0].nodePort = 30_080
            $0.spec.externalTrafficPolicy = "Local"
            $0.spec.externalIPs = ["203.0.113.5", "2001:db8::5"]
            $0.spec.loadBalancerSourceRanges = [" 192.0.2.0/24", "2001:db8::/32", "nonsense"]
            $0.status.loadBalancer.ingress = ["203.0.113.9", ""].map { ip in
                var ingress = LoadBalancerIngress()
                ingress.ip = ip
                return ingress
            }
        }
        let found = try entrances(web, [slice("web", ["10.42.0.2@node-1", "10.42.1.2@node-2"])])
        let node = Entrance.Key.node(.v4, TransportPort(transport: .tcp, number: 30_080))
        #expect(Set(found.keys) == [try at("10.43.0.7"), try at("203.0.113.5"), try at("203.0.113.9"), node])
        for key in [try at("203.0.113.5"), try at("203.0.113.9"), node] {
            #expect(found[key]?.backends.count == 2)
            #expect(text(found[key]?.localBackends) == ["10.42.0.2:8080"])
            #expect(found[key]?.masquerade == .always)
        }
        #expect(found[try at("203.0.113.9")]?.sourceRanges == [try prefix("192.0.2.0/24")])
        #expect(found[node]?.sourceRanges == [])
        #expect(found[try at("10.43.0.7")]?.localBackends == nil)
        #expect(found[try at("10.43.0.7")]?.masquerade == .outsiders)
    }

    @Test func `the internal policy Local drops where only other nodes have endpoints`() throws {
        let web = service("web", "10.43.0.7") { $0.spec.internalTrafficPolicy = "Local" }
        let elsewhere = try entrances(web, [slice("web", ["10.42.1.2@node-2"])])[try at("10.43.0.7")]
        #expect(elsewhere?.backends == [] && elsewhere?.absence == .drop)
        let nowhere = try entrances(web)[try at("10.43.0.7")]
        #expect(nowhere?.backends == [] && nowhere?.absence == .refuse)
        let here = try entrances(web, [slice("web", ["10.42.1.2@node-2", "10.42.0.2@node-1"])])[
            try at("10.43.0.7")]
        #expect(text(here?.backends) == ["10.42.0.2:8080"])
    }

    @Test func `a service of two families has the endpoints of each`() throws {
        let web = service("web", "10.43.0.7") {
            $0.spec.clusterIPs = ["10.43.0.7", "fd00:43::7"]
            $0.spec.ipFamilies = ["IPv4", "IPv6"]
        }
        let slices = [slice("web", ["10.42.0.2"], number: 1), slice("web", ["fd00:42::2"], number: 2)]
        let found = try entrances(web, slices)
        #expect(text(found[try at("10.43.0.7")]?.backends) == ["10.42.0.2:8080"])
        #expect(text(found[try at("fd00:43::7")]?.backends) == ["fd00:42::2:8080"])
    }

    @Test func `the time of affinity is three hours unless it is said`() throws {
        func affinity(_ change: (inout Service) -> Void) throws -> Duration? {
            try entrances(service("web", "10.43.0.7", change))[try at("10.43.0.7")]?.affinity
        }
        #expect(try affinity { _ in } == nil)
        #expect(try affinity { $0.spec.sessionAffinity = "ClientIP" } == .seconds(10_800))
        let short = try affinity {
            $0.spec.sessionAffinity = "ClientIP"
            $0.value[path: ["spec", "sessionAffinityConfig", "clientIP", "timeoutSeconds"]] = 60
        }
        #expect(short == .seconds(60))
    }

    @Test func `host ports are open where the pod says, while it runs`() throws {
        var pod = Pod(namespace: "default", name: "web")
        pod.status.podIPs = ["10.42.0.2", "fd00:42::2"].map { ip in
            var entry = PodIP()
            entry.ip = ip
            return entry
        }
        var container = Container()
        container.ports = [("", 80), ("192.168.7.1", 81), ("0.0.0.0", 82), ("", 0)].map { ip, number in
            var port = ContainerPort()
            (port.hostIP, port.hostPort, port.containerPort) = (ip, number, 8080)
            return port
        }
        pod.spec.containers = [container]
        func node(_ family: IPAddress.Family, _ number: UInt16) -> Entrance.Key {
            .node(family, TransportPort(transport: .tcp, number: number))
        }
        let keys = Set(HostPorts(pod: pod).entrances.keys)
        #expect(keys == [node(.v4, 80), node(.v6, 80), try at("192.168.7.1", 81), node(.v4, 82)])
        pod.status.phase = "Failed"
        #expect(HostPorts(pod: pod).entrances.isEmpty)
        pod.status.phase = "Running"
        pod.spec.hostNetwork = true
        #expect(HostPorts(pod: pod).entrances.isEmpty)
    }

    @Test func `backends keep their places as far as can be`() throws {
        func backends(_ numbers: [UInt16]) throws -> [Backend] {
            try numbers.map { Backend(address: try address("10.42.0.2"), port: $0, isLocal: true) }
        }
        let cases: [(old: [UInt16], new: [UInt16], arranged: [UInt16])] = [
            ([1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3, 4]),
            ([3, 1, 2], [1, 2, 3], [3, 1, 2]),
            ([1, 2, 3, 4], [2, 3, 4], [4, 2, 3]),
            ([1, 2, 3, 4], [1, 2, 3, 5], [1, 2, 3, 5]),
            ([1, 2, 3], [2, 4, 5, 6], [4, 2, 5, 6]),
            ([1, 2, 3], [], []),
            ([], [2, 1], [2, 1]),
            ([1, 2, 3], [3], [3]),
            ([1, 2, 3], [1], [1]),
        ]
        for (old, new, arranged) in cases {
            #expect(
                try backends(new).arranged(like: try backends(old)).map(\.port) == arranged,
                "\(old) to \(new)")
        }
    }
}
