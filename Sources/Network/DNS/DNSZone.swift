import APIMachinery
import Support
import Wire

/// The names of the cluster, and what each question about them is answered with (Kubernetes DNS-based service
/// discovery, 1.1; where it leaves a choice, as CoreDNS in k3s chooses).
///
/// A value without I/O. It holds the few facts of each service that names are made of.
struct DNSZone: Sendable {
    /// What becomes of a question.
    enum Answer: Hashable, Sendable {
        case records([DNSRecord], additional: [DNSRecord] = [])
        /// The name exists, but has no record of the type.
        case noRecords
        case noSuchName
        /// The name stands for one outside of the cluster: ask there, and answer with both.
        case alias([DNSRecord], DNSName)
        /// Not a name of the cluster.
        case elsewhere
    }

    /// Of answers, in seconds, and for a name that does not exist.
    static let timeToLive: UInt32 = 5
    /// Of the names of nodes.
    static let nodeTimeToLive: UInt32 = 60

    let domain: DNSName
    private let domainLabels: [[UInt8]]
    /// Where this DNS itself answers.
    private let servers: [IPAddress]
    private(set) var services: [String: [String: ServiceNames]] = [:]
    var namespaces: Set<String> = []
    private var nodes: [String: NodeNames] = [:]
    private var nodeAddresses: [String: [IPAddress]] = [:]
    private var reverse: [IPAddress: [DNSName]] = [:]
    private var serial: UInt32 = 1

    init(_ domain: ClusterDomain, servers: [IPAddress]) throws(Fault) {
        guard let name = DNSName(domain.name), name != .root else {
            throw Fault(.invalid, "the cluster's domain \(domain.name) is no domain name")
        }
        self.domain = name
        domainLabels = name.labels.map(Array.init)
        self.servers = servers
    }

    // MARK: What there is

    /// Takes note of a service; `nil` when it is gone.
    mutating func set(_ names: ServiceNames?, of service: ObjectName) {
        let old = services[service.namespace]?[service.name]
        guard old != names else { return }
        for (address, name) in reverseNames(of: service, old) {
            reverse[address]?.removeAll { $0 == name }
            if reverse[address]?.isEmpty == true { reverse[address] = nil }
        }
        for (address, name) in reverseNames(of: service, names) where reverse[address]?.contains(name) != true
        {
            reverse[address, default: []].append(name)
        }
        services[service.namespace, default: [:]][service.name] = names
        if services[service.namespace]?.isEmpty == true { services[service.namespace] = nil }
        serial &+= 1
    }

    /// Takes note of a node; `nil` when it is gone.
    mutating func set(_ names: NodeNames?, ofNode node: String) {
        guard nodes[node] != names else { return }
        nodes[node] = names
        nodeAddresses = [:]
        for node in nodes.values {
            for name in node.names { nodeAddresses[name, default: []] += node.addresses }
        }
    }

    private func reverseNames(of service: ObjectName, _ names: ServiceNames?) -> [(IPAddress, DNSName)] {
        switch names?.kind {
        case .clustered(let addresses):
            addresses.compactMap { address in name(of: service).map { (address, $0) } }
        case .headless(let endpoints):
            endpoints.filter(\.isNamed).compactMap { endpoint in
                name(of: service, below: endpoint.label).map { (endpoint.address, $0) }
            }
        case .external, nil: []
        }
    }

    /// `<label>.<service>.<namespace>.svc.<domain>`
    func name(of service: ObjectName, below label: String? = nil) -> DNSName? {
        let own = [label, service.name, service.namespace, "svc"].compactMap { $0.map { Array($0.utf8) } }
        return DNSName(labels: own + domainLabels)
    }

    // MARK: Answers

    /// - Parameter rotation: Any number, another one each time: where the answer has several addresses, they
    ///   are turned by so many, since clients take the first.
    func answer(_ question: DNSQuestion, rotation: Int = 0) -> Answer {
        guard question.recordClass == .internet || question.recordClass == .any else { return .elsewhere }
        return answer(question.name, question, rotation, depth: 0)
    }

    private func answer(_ name: DNSName, _ question: DNSQuestion, _ rotation: Int, depth: Int) -> Answer {
        guard name.isWithin(domain) else {
            return depth == 0 ? answerOutside(question, rotation) : .elsewhere
        }
        let labels = name.labels.dropLast(domainLabels.count).map {
            String(decoding: $0, as: UTF8.self).lowercased()
        }
        let content = DNSZoneName(labels, in: self)
        switch content {
        case .nothing: return .noSuchName
        case .branch: return .noRecords
        case .addresses(let addresses): return records(name, addresses.rotated(by: rotation), question.type)
        case .ports(let targets): return records(name, targets.rotated(by: rotation), question.type)
        case .service(let addresses, let targets):
            return question.type == .srv
                ? records(name, targets.rotated(by: rotation), .srv)
                : records(name, addresses.rotated(by: rotation), question.type)
        case .text(let text):
            return question.type.isAsked(.txt)
                ? .records([DNSRecord(name, .txt([Array(text.utf8)]), ttl: Self.timeToLive)]) : .noRecords
        case .top: return answerTop(name, question.type)
        case .alias(let target): return answerAlias(name, target, question, rotation, depth: depth)
        }
    }

    private func records(_ name: DNSName, _ addresses: [IPAddress], _ type: DNSType) -> Answer {
        let records = addresses.compactMap { address in
            type.isAsked(address.recordType) ? DNSRecord(name, address.record, ttl: Self.timeToLive) : nil
        }
        return records.isEmpty ? .noRecords : .records(records)
    }

    private func records(_ name: DNSName, _ targets: [DNSZoneName.Target], _ type: DNSType) -> Answer {
        guard type.isAsked(.srv), !targets.isEmpty else { return .noRecords }
        // All are equally good: the weights are shares of a hundred.
        let weight = UInt16(max(1, 100 / targets.count))
        let records = targets.map { target in
            DNSRecord(
                name, .srv(priority: 0, weight: weight, port: target.port, target: target.name),
                ttl: Self.timeToLive)
        }
        var known: Set<DNSRecord> = []
        let additional = targets.flatMap { target in
            target.addresses.map { DNSRecord(target.name, $0.record, ttl: Self.timeToLive) }
        }.filter { known.insert($0).inserted }
        return .records(records, additional: additional)
    }

    private func answerAlias(
        _ name: DNSName, _ target: DNSName, _ question: DNSQuestion, _ rotation: Int, depth: Int
    ) -> Answer {
        let alias = DNSRecord(name, .cname(target), ttl: Self.timeToLive)
        guard question.type != .cname, depth < Self.longestChain else { return .records([alias]) }
        switch answer(target, question, rotation, depth: depth + 1) {
        case .records(let records, let additional): return .records([alias] + records, additional: additional)
        case .noRecords, .noSuchName: return .records([alias])
        case .alias(let records, let last): return .alias([alias] + records, last)
        case .elsewhere: return .alias([alias], target)
        }
    }

    /// Aliases that lead to aliases; a circle of them ends here.
    private static let longestChain = 8

    private func answerTop(_ name: DNSName, _ type: DNSType) -> Answer {
        var records: [DNSRecord] = []
        if type.isAsked(.soa) { records.append(authority) }
        if type.isAsked(.ns), let server = serverName {
            records.append(DNSRecord(name, .ns(server), ttl: Self.timeToLive))
        }
        return records.isEmpty ? .noRecords : .records(records)
    }

    /// The record that comes with an answer that nothing was found: it says for how long that may be believed
    /// (RFC 2308).
    var authority: DNSRecord {
        let soa = DNSAuthority(
            primary: serverName ?? domain,
            mailbox: DNSName(labels: [Array("hostmaster".utf8)] + domainLabels) ?? domain, serial: serial,
            refresh: 7200, retry: 1800, expire: 86_400, minimum: Self.timeToLive)
        return DNSRecord(domain, .soa(soa), ttl: Self.timeToLive)
    }

    private var serverName: DNSName? { DNSName(labels: ["ns", "dns"].map { Array($0.utf8) } + domainLabels) }

    var serverAddresses: [IPAddress] { servers }

    // MARK: Outside of the domain

    /// The names of nodes, and the names of addresses.
    private func answerOutside(_ question: DNSQuestion, _ rotation: Int) -> Answer {
        if question.type == .ptr {
            guard let address = IPAddress(reverseName: question.name) else { return .elsewhere }
            let names = reverse[address] ?? nodeNames(of: address)
            guard !names.isEmpty else { return .elsewhere }
            return .records(names.map { DNSRecord(question.name, .ptr($0), ttl: Self.timeToLive) })
        }
        guard question.type == .a || question.type == .aaaa else { return .elsewhere }
        let text = String(question.name.description.dropLast()).lowercased()
        guard let addresses = nodeAddresses[text] else { return .elsewhere }
        let records = addresses.rotated(by: rotation).filter { question.type.isAsked($0.recordType) }.map {
            DNSRecord(question.name, $0.record, ttl: Self.nodeTimeToLive)
        }
        return records.isEmpty ? .noRecords : .records(records)
    }

    private func nodeNames(of address: IPAddress) -> [DNSName] {
        nodes.values.filter { $0.addresses.contains(address) }.compactMap {
            $0.names.first.flatMap { DNSName($0) }
        }
    }
}

extension DNSType {
    /// Whether a question of this type asks for records of `type`.
    fileprivate func isAsked(_ type: DNSType) -> Bool { self == type || self == .any }
}

extension IPAddress {
    fileprivate var recordType: DNSType { family == .v4 ? .a : .aaaa }

    fileprivate var record: DNSRecordData {
        switch self {
        case .v4(let number): .a(number)
        case .v6(let high, let low): .aaaa(high: high, low: low)
        }
    }
}

extension Array {
    /// Begins with another element each time.
    fileprivate func rotated(by count: Int) -> [Element] {
        guard self.count > 1 else { return self }
        let first = count % self.count
        return Array(self[first...] + self[..<first])
    }
}
