import API
import APIMachinery
import Support
import Testing
import Wire

@testable import Network

/// What the cluster's DNS answers, as a list of questions. Records are written `type data`, sorted; `-` is a
/// name without such records, `NX` one that does not exist, `?` one to ask elsewhere.
@Suite struct DNSZoneTests {
    private static let questions: [(question: String, answer: String)] = [
        // Services.
        ("web.shop.svc.cluster.local A", "A 10.43.0.7"),
        ("WEB.Shop.Svc.Cluster.Local A", "A 10.43.0.7"),
        ("web.shop.svc.cluster.local AAAA", "AAAA fd00:43::7"),
        ("web.shop.svc.cluster.local ANY", "A 10.43.0.7, AAAA fd00:43::7"),
        ("web.shop.svc.cluster.local TXT", "-"),
        ("solo.shop.svc.cluster.local AAAA", "-"),
        ("web.other.svc.cluster.local A", "NX"),
        ("none.shop.svc.cluster.local A", "NX"),
        ("x.web.shop.svc.cluster.local A", "NX"),
        ("10-42-0-5.web.shop.svc.cluster.local A", "NX"),
        ("web.shop.cluster.local A", "NX"),
        ("pending.shop.svc.cluster.local A", "NX"),
        // Ports.
        ("_http._tcp.web.shop.svc.cluster.local SRV", "SRV 0 100 80 web.shop.svc.cluster.local."),
        ("_HTTP._TCP.web.shop.svc.cluster.local SRV", "SRV 0 100 80 web.shop.svc.cluster.local."),
        ("_http._udp.web.shop.svc.cluster.local SRV", "NX"),
        ("_ftp._tcp.web.shop.svc.cluster.local SRV", "NX"),
        ("_http._tcp.web.shop.svc.cluster.local A", "-"),
        ("_tcp.web.shop.svc.cluster.local SRV", "-"),
        ("_udp.web.shop.svc.cluster.local SRV", "NX"),
        (
            "web.shop.svc.cluster.local SRV",
            "SRV 0 50 443 web.shop.svc.cluster.local., SRV 0 50 80 web.shop.svc.cluster.local."
        ),
        // Headless services and their endpoints.
        ("db.shop.svc.cluster.local A", "A 10.42.0.5, A 10.42.0.6"),
        ("db.shop.svc.cluster.local AAAA", "-"),
        ("db-0.db.shop.svc.cluster.local A", "A 10.42.0.5"),
        ("10-42-0-6.db.shop.svc.cluster.local A", "A 10.42.0.6"),
        ("10-42-0-5.db.shop.svc.cluster.local A", "NX"),
        ("db-9.db.shop.svc.cluster.local A", "NX"),
        ("10-42-0-7.db.shop.svc.cluster.local A", "NX"),
        (
            "_sql._tcp.db.shop.svc.cluster.local SRV",
            "SRV 0 50 5432 10-42-0-6.db.shop.svc.cluster.local., SRV 0 50 5432 db-0.db.shop.svc.cluster.local."
        ),
        ("early.shop.svc.cluster.local A", "A 10.42.0.9"),
        ("empty.shop.svc.cluster.local A", "-"),
        // Other names.
        ("ext.shop.svc.cluster.local A", "CNAME www.example.com. + ? www.example.com."),
        ("ext.shop.svc.cluster.local CNAME", "CNAME www.example.com."),
        ("alias.shop.svc.cluster.local A", "A 10.43.0.7, CNAME web.shop.svc.cluster.local."),
        ("alias.shop.svc.cluster.local MX", "CNAME web.shop.svc.cluster.local."),
        (
            "twice.shop.svc.cluster.local A",
            "CNAME ext.shop.svc.cluster.local., CNAME www.example.com. + ? www.example.com."
        ),
        (
            "circle.shop.svc.cluster.local A",
            String(repeating: "CNAME circle.shop.svc.cluster.local., ", count: 9).dropLast(2) + ""
        ),
        // Pods.
        ("10-42-0-5.shop.pod.cluster.local A", "A 10.42.0.5"),
        ("10-42-0-5.shop.pod.cluster.local AAAA", "-"),
        ("fd00-42--5.shop.pod.cluster.local AAAA", "AAAA fd00:42::5"),
        ("10-42-0-5.nowhere.pod.cluster.local A", "NX"),
        ("10-42-0-300.shop.pod.cluster.local A", "NX"),
        ("x.10-42-0-5.shop.pod.cluster.local A", "NX"),
        // Names between.
        ("shop.svc.cluster.local A", "-"),
        ("bare.svc.cluster.local A", "-"),
        ("nowhere.svc.cluster.local A", "NX"),
        ("svc.cluster.local A", "-"),
        ("pod.cluster.local A", "-"),
        ("shop.pod.cluster.local A", "-"),
        ("www.example.com.shop.svc.cluster.local A", "NX"),
        ("www.example.com.svc.cluster.local A", "NX"),
        ("www.example.com.cluster.local A", "NX"),
        ("localhost.cluster.local A", "NX"),
        // The zone itself.
        ("dns-version.cluster.local TXT", "TXT 1.1.0"),
        ("dns-version.cluster.local A", "-"),
        ("cluster.local NS", "NS ns.dns.cluster.local."),
        ("cluster.local A", "-"),
        ("ns.dns.cluster.local A", "A 10.43.0.10"),
        // Addresses.
        ("7.0.43.10.in-addr.arpa PTR", "PTR web.shop.svc.cluster.local."),
        (
            "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.3.4.0.0.0.0.d.f.ip6.arpa PTR",
            "PTR web.shop.svc.cluster.local."
        ),
        ("5.0.42.10.in-addr.arpa PTR", "PTR db-0.db.shop.svc.cluster.local."),
        ("6.0.42.10.in-addr.arpa PTR", "?"),
        ("1.168.192.in-addr.arpa PTR", "?"),
        ("8.8.8.8.in-addr.arpa PTR", "?"),
        // Nodes.
        ("node-1 A", "A 192.168.7.1"),
        ("Node-1 A", "A 192.168.7.1"),
        ("node-1 AAAA", "-"),
        ("node-1.lan A", "A 192.168.7.1"),
        ("node-1 TXT", "?"),
        ("1.7.168.192.in-addr.arpa PTR", "PTR node-1."),
        // The world.
        ("www.example.com A", "?"),
        ("local A", "?"),
        ("xcluster.local A", "?"),
        (". NS", "?"),
    ]

    @Test func `each name has its answer`() throws {
        let zone = try Self.shop()
        for (question, answer) in Self.questions {
            #expect(try zone.text(question) == answer, "\(question)")
        }
    }

    @Test func `what is gone has no name any more`() throws {
        var zone = try Self.shop()
        for name in ["web", "db"] { zone.set(nil, of: ObjectName(namespace: "shop", name: name)) }
        zone.set(nil, ofNode: "node-1")
        for question in ["web.shop.svc.cluster.local A", "db-0.db.shop.svc.cluster.local A"] {
            #expect(try zone.text(question) == "NX")
        }
        for question in ["7.0.43.10.in-addr.arpa PTR", "5.0.42.10.in-addr.arpa PTR", "node-1 A"] {
            #expect(try zone.text(question) == "?")
        }
    }

    @Test func `addresses take turns in being the first`() throws {
        let zone = try Self.shop()
        let question = DNSQuestion(try #require(DNSName("db.shop.svc.cluster.local")), .a)
        let firsts = (0..<4).map { turn -> DNSRecordData? in
            guard case .records(let records, _) = zone.answer(question, rotation: turn) else { return nil }
            return records.first?.data
        }
        #expect(firsts == [.a(0x0A2A_0005), .a(0x0A2A_0006), .a(0x0A2A_0005), .a(0x0A2A_0006)])
    }

    @Test func `an SRV answer brings the addresses of its targets`() throws {
        let zone = try Self.shop()
        let question = DNSQuestion(try #require(DNSName("_sql._tcp.db.shop.svc.cluster.local")), .srv)
        guard case .records(_, let additional) = zone.answer(question) else {
            Issue.record("no records")
            return
        }
        #expect(additional.map(\.data) == [.a(0x0A2A_0005), .a(0x0A2A_0006)])
        #expect(additional.allSatisfy { $0.ttl == 5 })
    }

    @Test func `a serial number tells that names changed`() throws {
        var zone = try Self.shop()
        let before = zone.authority
        let web = service("web", "10.43.0.7", namespace: "shop")
        zone.set(ServiceNames(web, []), of: web.objectName)
        #expect(zone.authority != before)
    }

    /// A namespace with one service of each kind, an empty namespace, and a node.
    private static func shop() throws -> DNSZone {
        var zone = try DNSZone(ClusterDomain("Cluster.Local."), servers: [try address("10.43.0.10")])
        zone.namespaces = ["shop", "bare"]
        func add(_ service: Service, _ slices: [EndpointSlice] = []) {
            zone.set(ServiceNames(service, slices), of: service.objectName)
        }
        func external(_ name: String, _ target: String) -> Service {
            service(name, "", namespace: "shop") {
                ($0.spec.type, $0.spec.externalName, $0.spec.clusterIPs) = ("ExternalName", target, [])
            }
        }
        func headless(_ name: String, _ change: (inout Service) -> Void = { _ in }) -> Service {
            service(name, "None", namespace: "shop", change)
        }
        add(
            service("web", "10.43.0.7", namespace: "shop") {
                $0.spec.clusterIPs = ["10.43.0.7", "fd00:43::7"]
                var https = $0.spec.ports[0]
                $0.spec.ports[0].name = "http"
                (https.name, https.port) = ("https", 443)
                $0.spec.ports.append(https)
            })
        add(service("solo", "10.43.0.8", namespace: "shop"))
        add(service("pending", "", namespace: "shop") { $0.spec.clusterIPs = [] })
        let database = slice(
            "db", ["10.42.0.5@node-1", "10.42.0.6", "10.42.0.7!"], namespace: "shop", port: 5432,
            portName: "sql"
        ) {
            var endpoints = $0.endpoints
            endpoints[0].hostname = "db-0"
            $0.endpoints = endpoints
        }
        add(headless("db"), [database])
        add(headless("early") { $0.spec.publishNotReadyAddresses = true }, [slice("early", ["10.42.0.9!"])])
        add(headless("empty"))
        add(external("ext", "www.example.com"))
        add(external("alias", "web.shop.svc.cluster.local"))
        add(external("twice", "ext.shop.svc.cluster.local"))
        add(external("circle", "circle.shop.svc.cluster.local"))
        zone.set(NodeNames(try node()), ofNode: "node-1")
        return zone
    }

    private static func node() throws -> Node {
        var node = Node(name: "node-1")
        node.status.addresses = [
            ("InternalIP", "192.168.7.1"), ("Hostname", "node-1"), ("InternalDNS", "node-1.lan"),
        ]
        .map { type, address in
            var entry = NodeAddress()
            (entry.type, entry.address) = (type, address)
            return entry
        }
        return node
    }
}

extension DNSZone {
    /// The answer to `name TYPE` in the words of the table above.
    fileprivate func text(_ question: String) throws -> String {
        let words = question.split(separator: " ")
        let types: [Substring: DNSType] = [
            "A": .a, "AAAA": .aaaa, "TXT": .txt, "SRV": .srv, "ANY": .any, "CNAME": .cname, "MX": .mx,
            "NS": .ns,
            "PTR": .ptr,
        ]
        let asked = DNSQuestion(try #require(DNSName(words[0])), try #require(types[words[1]]))
        switch answer(asked) {
        case .records(let records, _): return records.text
        case .noRecords: return "-"
        case .noSuchName: return "NX"
        case .alias(let records, let target): return "\(records.text) + ? \(target)"
        case .elsewhere: return "?"
        }
    }
}

extension [DNSRecord] {
    fileprivate var text: String {
        map { record in
            switch record.data {
            case .a(let number): "A \(IPAddress.v4(number))"
            case .aaaa(let high, let low): "AAAA \(IPAddress.v6(high: high, low: low))"
            case .cname(let name): "CNAME \(name)"
            case .ptr(let name): "PTR \(name)"
            case .ns(let name): "NS \(name)"
            case .srv(let priority, let weight, let port, let target):
                "SRV \(priority) \(weight) \(port) \(target)"
            case .txt(let strings): "TXT \(String(decoding: strings.joined(), as: UTF8.self))"
            default: "\(record.data)"
            }
        }.sorted().joined(separator: ", ")
    }
}
