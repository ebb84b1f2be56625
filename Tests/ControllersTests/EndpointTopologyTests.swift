import API
import APIMachinery
import APIServer
import Client
import ClientTestSupport
import Support
import Testing

@testable import Controllers

@Suite(.timeLimit(.minutes(1))) struct EndpointTopologyTests {
    private static let now = Timestamp(seconds: 1_000_000)

    // MARK: Hints

    @Test(arguments: [
        ("", "", "a: b: c:"), ("PreferClose", "", "a:z1 b:z2 c:"), ("PreferSameZone", "", "a:z1 b:z2 c:"),
        ("PreferSameNode", "", "a:z1@n1 b:z2@n2 c:@n3"), ("", "Auto", "a: b: c:"), ("PreferClose", "auto", "a: b: c:"),
    ])
    func `a service says from where its endpoints are used`(distribution: String, mode: String, expected: String) {
        var service = Service(namespace: "default", name: "web")
        if !distribution.isEmpty { service.spec.trafficDistribution = distribution }
        if !mode.isEmpty { service.metadata.annotations[TopologyHints.modeAnnotation] = mode }
        let pods = [("a", "n1"), ("b", "n2"), ("c", "n3")].map { Self.pod($0.0, on: $0.1) }
        let backends = ServiceBackends(service: service, pods: pods, zones: ["n1": "z1", "n2": "z2"])
        #expect(Self.hints(EndpointSliceDecision(backends: backends, slices: []).actions) == expected)
    }

    @Test func `endpoints are shared out by what zones can do`() throws {
        let even = try #require(ZoneShares(processors: ["a": 4000, "b": 4000]))
        #expect(even.zones(for: ["a", "a", "b", "b"]) == ["a", "a", "b", "b"])
        #expect(even.zones(for: ["a", "a", "a", "b"]) == ["a", "a", "b", "b"])
        // Fewer endpoints than zones, or one without a zone: it cannot be done well.
        #expect(even.zones(for: ["a"]) == nil)
        #expect(even.zones(for: ["a", nil]) == nil)
        let uneven = try #require(ZoneShares(processors: ["a": 1000, "b": 3000]))
        #expect(uneven.zones(for: ["a", "a", "a", "a", "b", "b", "b", "b"])?.filter { $0 == "b" }.count == 5)
        #expect(ZoneShares(processors: ["a": 1000]) == nil)
        #expect(ZoneShares(processors: ["a": 1000, "b": 0]) == nil)
    }

    @Test func `only ready endpoints have hints`() {
        var service = Service(namespace: "default", name: "web")
        service.spec.trafficDistribution = "PreferClose"
        let pods = [Self.pod("a", on: "n1"), Self.pod("b", on: "n1", isReady: false)]
        let backends = ServiceBackends(service: service, pods: pods, zones: ["n1": "z1"])
        #expect(Self.hints(EndpointSliceDecision(backends: backends, slices: []).actions) == "a:z1 b:")
    }

    @Test func `a node's zone matters when it comes, changes or goes`() {
        let zones = NodeZones()
        func node(_ zone: String?, cpu: String = "2", isReady: Bool = true) -> StoredObject {
            var node = Node(name: "n")
            if let zone { node.metadata.labels[NodeZones.label] = zone }
            node.status = NodeStatus([
                "allocatable": ["cpu": .string(cpu)],
                "conditions": [["type": "Ready", "status": isReady ? "True" : "False"]],
            ])
            return StoredObject(received: node.value)
        }
        #expect(!zones.take(ObjectChange(old: nil, new: node(nil))))
        #expect(zones.take(ObjectChange(old: nil, new: node("z"))))
        #expect(!zones.take(ObjectChange(old: nil, new: node("z"))))
        #expect(zones.zones(of: ["n", "m"]) == ["n": "z"])
        #expect(zones.take(ObjectChange(old: nil, new: node("z", isReady: false))))
        #expect(zones.take(ObjectChange(old: node("z"), new: nil)))
        #expect(zones.zones(of: ["n"]).isEmpty)
    }

    private static func hints(_ actions: [SlicePacking.Action]) -> String {
        var words: [String] = []
        for case .create(let slice) in actions {
            words += slice.endpoints.map { endpoint in
                let zones = endpoint.hints?.value["forZones"]?.array?.compactMap { $0["name"]?.string } ?? []
                let nodes = endpoint.hints?.value["forNodes"]?.array?.compactMap { $0["name"]?.string } ?? []
                let place = zones.joined() + (nodes.isEmpty ? "" : "@" + nodes.joined())
                return (endpoint.targetRef?.name ?? "") + ":" + place
            }
        }
        return words.sorted().joined(separator: " ")
    }

    // MARK: Both families, times, capacity

    @Test func `each family has slices of its own, and Endpoints the first`() {
        var service = Service(namespace: "default", name: "web")
        service.spec.ipFamilies = ["IPv6", "IPv4"]
        var pod = Self.pod("a", on: "n1")
        pod.status.podIPs = ["10.0.0.1", "fd00::1"].map { text in PodIP(["ip": .string(text)]) }
        let backends = ServiceBackends(service: service, pods: [pod])
        var families: [String: [String]] = [:]
        for case .create(let slice) in EndpointSliceDecision(backends: backends, slices: []).actions {
            families[slice.addressType] = slice.endpoints.flatMap(\.addresses)
        }
        #expect(families == ["IPv4": ["10.0.0.1"], "IPv6": ["fd00::1"]])
        let addresses = EndpointsDecision(backends: backends).wanted(over: nil).subsets.flatMap(\.addresses).map(\.ip)
        #expect(addresses == ["fd00::1"])
    }

    @Test func `what changes is marked with the time of its cause`() {
        let times = TriggerTimes()
        var service = Service(namespace: "default", name: "web")
        service.metadata.creationTimestamp = Self.now
        #expect(times.take(service, []) == Self.now)
        #expect(times.take(service, []) == nil)
        var pod = Self.pod("a", on: "n1")
        pod.status.conditions[0].lastTransitionTime = Self.now + .seconds(5)
        let trigger = times.take(service, [pod])
        #expect(trigger == Self.now + .seconds(5))
        let backends = ServiceBackends(service: service, pods: [pod])
        for case .create(let slice) in EndpointSliceDecision(backends: backends, slices: [], trigger: trigger).actions {
            #expect(slice.metadata.annotations[SlicePacking.triggerAnnotation] == "1970-01-12T13:46:45Z")
        }
        #expect(times.take(service, [pod]) == nil)
    }

    @Test func `Endpoints take a thousand addresses, ready ones first`() {
        func subset(_ ready: Int, _ notReady: Int) -> EndpointSubset {
            func addresses(_ count: Int) -> [EndpointAddress] {
                (0..<count).map { EndpointAddress(["ip": .string("10.0.\($0 / 250).\($0 % 250)")]) }
            }
            var subset = EndpointSubset()
            (subset.addresses, subset.notReadyAddresses) = (addresses(ready), addresses(notReady))
            return subset
        }
        func counts(_ subsets: [EndpointSubset]) -> [[Int]] {
            subsets.map { [$0.addresses.count, $0.notReadyAddresses.count] }
        }
        #expect(counts(EndpointsDecision.truncated([subset(900, 100)])) == [[900, 100]])
        #expect(counts(EndpointsDecision.truncated([subset(900, 400)])) == [[900, 100]])
        #expect(counts(EndpointsDecision.truncated([subset(1000, 10), subset(500, 10)])) == [[666, 0], [334, 0]])
    }

    // MARK: Mirroring

    @Test func `Endpoints of a service without a selector are mirrored`() async throws {
        try await withServer { server in
            let admin = server.client()
            var service = Service(namespace: "default", name: "own")
            service.spec.ports = [ServicePort(["port": 80, "name": "web"])]
            try await admin.create(service)
            var endpoints = Endpoints(namespace: "default", name: "own")
            endpoints.metadata.labels = ["team": "a"]
            endpoints.subsets = [
                EndpointSubset([
                    "addresses": [["ip": "10.1.2.3"]], "notReadyAddresses": [["ip": "10.1.2.4"]],
                    "ports": [["name": "web", "port": 8080]],
                ])
            ]
            endpoints = try await admin.create(endpoints)
            let client = server.controllerClient("endpointslicemirroring-controller")
            try await running([EndpointSliceMirroring()], on: client) {
                var slice = try await Self.slice(of: "own", admin) { $0 != nil }
                #expect(slice?.metadata.labels["team"] == "a")
                #expect(slice?.metadata.labels[EndpointSliceDecision.managerLabel] == EndpointMirror.manager)
                #expect(slice?.metadata.controller?.uid == endpoints.metadata.uid)
                #expect(slice?.endpoints.map { $0.conditions.ready } == [true, false])
                #expect(slice?.ports.first?.port == 8080)
                endpoints = try await admin.get(Endpoints.self, endpoints.objectName)
                endpoints.subsets[0].addresses = [EndpointAddress(["ip": "10.9.9.9"])]
                try await admin.update(endpoints)
                slice = try await Self.slice(of: "own", admin) { $0?.endpoints.contains { $0.addresses == ["10.9.9.9"] } == true }
                #expect(slice != nil)
                try await admin.delete(Endpoints.self, endpoints.objectName)
                _ = try await Self.slice(of: "own", admin) { $0 == nil }
            }
        }
    }

    @Test(arguments: [
        ("", "", true), (EndpointMirror.skipLabel, "", false), ("", "app", false),
    ])
    func `what is not somebody's own is not mirrored`(label: String, selects: String, expected: Bool) {
        var endpoints = Endpoints(namespace: "default", name: "own")
        if !label.isEmpty { endpoints.metadata.labels = [label: "true"] }
        var service = Service(namespace: "default", name: "own")
        if !selects.isEmpty { service.spec.selector = [selects: "web"] }
        let mirror = EndpointMirror(endpoints: endpoints, service: service, slices: [])
        #expect(mirror.isMirrored == expected)
        let orphan = EndpointSlice(namespace: "default", name: "own-1")
        #expect(EndpointMirror(endpoints: nil, service: service, slices: [orphan]).actions == [.delete(orphan)])
    }

    private static func slice(
        of service: String, _ client: some Client, until condition: (EndpointSlice?) -> Bool
    ) async throws -> EndpointSlice? {
        let set = try await client.observe(EndpointSlice.self)
        let (changes, bell) = AsyncStream.makeStream(of: Void.self)
        let observation = set.observe { _ in bell.yield() }
        defer { observation.cancel() }
        bell.yield()
        for await _ in changes {
            let slices = set.list(namespace: "default").map { EndpointSlice($0) }
            let slice = slices.first { $0.metadata.labels[EndpointSliceDecision.serviceLabel] == service }
            if condition(slice) { return slice }
        }
        return nil
    }

    private static func pod(_ name: String, on node: String, isReady: Bool = true) -> Pod {
        var pod = Pod(namespace: "default", name: name)
        pod.metadata.uid = name
        pod.spec.nodeName = node
        pod.status.phase = "Running"
        pod.status.podIP = "10.0.0.\(name.utf8.first ?? 1)"
        var ready = PodCondition()
        (ready.type, ready.status) = ("Ready", isReady ? "True" : "False")
        pod.status.conditions = [ready]
        return pod
    }
}
