import API
import APIMachinery
import Client
import Logging
import Support
import Synchronization
import Testing
import Wire

@testable import Host
@testable import Network

/// The whole DNS on a port of the loopback interface, with an upstream that the test runs.
@Suite(.timeLimit(.minutes(1))) struct ClusterDNSTests {
    /// Knows `*.example`; says nothing about `silent.example`, and fails for `broken.example`.
    private final class World: DNSHandler {
        let asked = Mutex<[String]>([])

        func answer(_ query: DNSQuery) -> [UInt8]? {
            guard let message = try? DNSMessage(decoding: query.bytes), let question = message.questions.first
            else { return nil }
            let name = question.name.description.lowercased()
            asked.withLock { $0.append(name + (query.isStream ? " over TCP" : "")) }
            var reply = message.reply()
            reply.header.isRecursionAvailable = true
            switch name {
            case "silent.example.": return nil
            case "broken.example.": return message.reply(.serverFailure).encode()
            case "none.example.": return message.reply(.noSuchName).encode()
            case "many.example.":
                reply.answers = (0..<200).map { DNSRecord(question.name, .a($0), ttl: 300) }
            default: reply.answers = [DNSRecord(question.name, .a(0xC000_0201), ttl: 300)]
            }
            return reply.encode(limit: query.isStream ? 65_535 : message.datagramLimit)
        }

        var questions: [String] { asked.withLock { $0 } }
    }

    private struct Running {
        var address: DNSAddress
        var world: World

        func ask(
            _ name: String, _ type: DNSType = .a, overStream: Bool = false, edns: EDNS? = nil
        ) async throws -> DNSMessage {
            var header = DNSHeader(id: 0)
            header.isRecursionDesired = true
            let question = DNSQuestion(try #require(DNSName(name)), type)
            let query = DNSMessage(header: header, questions: [question], edns: edns)
            let packet = try #require(DNSPacket(query.encode()))
            let answer = try await DNSClient.ask(
                packet, at: address, overStream: overStream, within: .seconds(20))
            return try DNSMessage(decoding: answer.bytes)
        }
    }

    private func withDNS(
        _ cluster: FakeCluster, deafFirst: Bool = false, patience: Int = 2000,
        _ body: (Running) async throws -> Void
    ) async throws {
        let world = World()
        let upstream = DNSServer(handler: world)
        let loopback = try address("127.0.0.1")
        let known = try await upstream.listen(on: DNSAddress(loopback, port: 0))
        let entrance = try await DNSEntrance([DNSAddress(loopback, port: 0)])
        var options = ClusterDNSOptions(domain: ClusterDomain("cluster.local"), addresses: entrance.addresses)
        options.patience = .milliseconds(patience)
        // Nobody listens on the discard port.
        options.upstream = .servers((deafFirst ? [DNSAddress(loopback, port: 9)] : []) + [known])
        let dns = ClusterDNS(client: cluster, options: options, log: Logger(label: "test"))
        let running = Running(address: entrance.addresses[0], world: world)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await dns.run(at: entrance) }
            try await body(running)
            group.cancelAll()
            try await group.waitForAll()
        }
        await upstream.close()
    }

    @Test func `who asks before there is an answer waits for it`() async throws {
        let entrance = try await DNSEntrance([DNSAddress(try address("127.0.0.1"), port: 0)])
        let early = Running(address: entrance.addresses[0], world: World())
        try await withThrowingTaskGroup(of: [DNSRecordData].self) { group in
            for overStream in [false, true] {
                group.addTask { try await early.ask("early.example", overStream: overStream).answers.map(\.data) }
            }
            // Whichever of them comes first, before or after this.
            group.addTask {
                entrance.open(to: early.world)
                return [.a(0xC000_0201)]
            }
            for try await answers in group { #expect(answers == [.a(0xC000_0201)]) }
        }
        await entrance.close()
    }

    @Test func `the port of an address is taken before the host has the address`() async throws {
        // Of a network for documentation (RFC 5737), which nobody has.
        let own = DNSAddress(try address("192.0.2.53"), port: 5353)
        let entrance = try await DNSEntrance([own])
        #expect(entrance.addresses == [own])
        let second = await #expect(throws: Fault.self) { try await DNSEntrance([own]) }
        #expect(second?.code == .conflict && second?.summary.contains("192.0.2.53:5353") == true)
        await entrance.close()
        try await DNSEntrance([own]).close()
        let v6 = DNSAddress(try address("2001:db8::53"), port: 5353)
        try await DNSEntrance([v6]).close()
    }

    @Test func `names of the cluster are answered here, over UDP and TCP, as they come and go`() async throws
    {
        let cluster = FakeCluster()
        cluster.put(service("web", "10.43.0.7", namespace: "shop"))
        try await withDNS(cluster) { dns async throws in
            for overStream in [false, true] {
                let answer = try await dns.ask("web.shop.svc.cluster.local", overStream: overStream)
                #expect(answer.answers.map(\.data) == [.a(0x0A2B_0007)])
                #expect(answer.answers.map(\.ttl) == [5])
                #expect(answer.header.isAuthoritative && answer.header.isRecursionAvailable)
            }
            let missing = try await dns.ask("api.shop.svc.cluster.local")
            #expect(missing.header.responseCode == .noSuchName)
            #expect(missing.authorities.map(\.data.type) == [.soa])

            cluster.put(service("api", "10.43.0.8", namespace: "shop"))
            while try await dns.ask("api.shop.svc.cluster.local").answers.isEmpty {}
            cluster.remove(Service.self, ObjectName(namespace: "shop", name: "api"))
            while try await !dns.ask("api.shop.svc.cluster.local").answers.isEmpty {}
            #expect(dns.world.questions.isEmpty)
        }
    }

    @Test func `an answer that is too long for UDP is given whole over TCP`() async throws {
        let cluster = FakeCluster()
        cluster.put(service("db", "None"))
        cluster.put(slice("db", (1...250).map { "10.42.0.\($0)" }))
        try await withDNS(cluster) { dns async throws in
            let name = "db.default.svc.cluster.local"
            while try await dns.ask(name, overStream: true).answers.count < 250 {}
            let plain = try await dns.ask(name)
            let extended = try await dns.ask(name, edns: EDNS(payloadSize: 4096))
            #expect(plain.header.isTruncated && plain.answers.count < 30)
            #expect(extended.header.isTruncated && extended.answers.count > 60)
            #expect(extended.edns?.payloadSize == 1232)
        }
    }

    @Test func `other names are asked for elsewhere, once while the answer is fresh`() async throws {
        try await withDNS(FakeCluster()) { dns async throws in
            for name in ["www.example", "WWW.example", "www.example"] {
                let answer = try await dns.ask(name)
                #expect(answer.answers.map(\.data) == [.a(0xC000_0201)])
                #expect(answer.answers.allSatisfy { $0.ttl <= 30 })
                #expect(answer.questions[0].name.description == name + ".")
            }
            #expect(dns.world.questions == ["www.example."])
            #expect(try await dns.ask("none.example").header.responseCode == .noSuchName)
            #expect(try await dns.ask("broken.example").header.responseCode == .serverFailure)
            #expect(try await dns.ask("many.example").header.isTruncated)
            #expect(try await dns.ask("many.example", overStream: true).answers.count == 200)
            #expect(dns.world.questions.last == "many.example. over TCP")
        }
    }

    @Test func `the next server is asked when one does not answer`() async throws {
        try await withDNS(FakeCluster(), deafFirst: true) { dns async throws in
            #expect(try await dns.ask("www.example").answers.count == 1)
        }
    }

    @Test func `a question that nobody answers fails, and holds up no other`() async throws {
        try await withDNS(FakeCluster(), patience: 300) { dns async throws in
            async let silent = dns.ask("silent.example")
            #expect(try await dns.ask("www.example").answers.count == 1)
            #expect(try await silent.header.responseCode == .serverFailure)
        }
    }

    @Test func `an external name is answered together with what it stands for`() async throws {
        let cluster = FakeCluster()
        cluster.put(
            service("ext", "") { ($0.spec.type, $0.spec.externalName) = ("ExternalName", "www.example") })
        try await withDNS(cluster) { dns async throws in
            let answer = try await dns.ask("ext.default.svc.cluster.local")
            let target = try #require(DNSName("www.example"))
            #expect(answer.answers.map(\.data) == [.cname(target), .a(0xC000_0201)])
        }
    }

    @Test func `what is no proper query gets the code that says so`() async throws {
        let answers = QueryAnswers(
            try DNSZone(ClusterDomain("cluster.local"), servers: [try address("10.43.0.10")]))
        func code(_ bytes: [UInt8]) throws -> DNSResponseCode? {
            let answer = answers.answer(DNSQuery(bytes: bytes, isStream: false) { _ in })
            return try answer.map { try DNSMessage(decoding: $0).header.responseCode }
        }
        let question = DNSQuestion(try #require(DNSName("cluster.local")), .soa)
        var query = DNSMessage(header: DNSHeader(id: 1), questions: [question])
        #expect(try code(query.encode()) == .noError)
        #expect(try code(Array(query.encode().dropLast())) == .formatError)
        #expect(try code([1, 2, 3]) == nil)
        query.header.opcode = 5
        #expect(try code(query.encode()) == .notImplemented)
        query.header.opcode = 0
        query.edns = EDNS(version: 1)
        #expect(try code(query.encode()) == .badVersion)
        query.edns = nil
        query.questions = []
        #expect(try code(query.encode()) == .formatError)
        query.header.isResponse = true
        #expect(try code(query.encode()) == nil)
    }

    @Test func `the address of the DNS is claimed once, however often`() throws {
        let namespace = try NetworkNamespace.create()
        let own = try ["10.43.0.10", "fd00:43::a"].map { try address($0) }
        for _ in 0..<2 { try ClusterDNS.claim(own, in: namespace) }
        let stack = try NetworkStack(in: namespace)
        let loopback = try #require(try stack.link(named: "lo"))
        let addresses = try stack.addresses(of: loopback.index).map(\.prefix)
        #expect(
            addresses.filter { own.contains($0.address) }.map(\.description).sorted() == [
                "10.43.0.10/32", "fd00:43::a/128",
            ])
    }

    @Test func `the service of the DNS is made, and made again`() async throws {
        let cluster = FakeCluster()
        let dns = DNSService(
            client: cluster, addresses: [try address("10.43.0.10")], log: Logger(label: "test"))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await dns.run() }
            for _ in 0..<2 {
                var (service, slice): (Service?, EndpointSlice?)
                while service == nil || slice == nil {
                    await Task.yield()
                    service = try await cluster.find(Service.self, DNSService.name)
                    slice = try await cluster.find(EndpointSlice.self, DNSService.name)
                }
                #expect(service?.spec.clusterIPs == ["10.43.0.10"])
                #expect(service?.spec.selector.isEmpty == true)
                #expect(service?.metadata.labels["k8s-app"] == "kube-dns")
                #expect(service?.spec.ports.map(\.name) == ["dns", "dns-tcp"])
                #expect(slice?.endpoints.map(\.addresses) == [["10.43.0.10"]])
                cluster.remove(EndpointSlice.self, DNSService.name)
                cluster.remove(Service.self, DNSService.name)
            }
            group.cancelAll()
            try await group.waitForAll()
        }
    }
}
