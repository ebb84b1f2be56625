import Glibc
import Host
import Support
import Wire

/// Standard output.
enum Console {
    static func write(_ text: String) { _ = Array(text.utf8).withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) } }
}

/// What is measured, in this order.
struct Load {
    let target: Target
    let sections: Set<String>

    func run() async throws {
        try await target.createNamespace()
        var made: [String] = []
        if wants("create") || wants("get") || wants("update") || wants("delete") {
            for (connections, count) in [(1, 4000), (8, 20_000), (32, 30_000)] {
                let target = target
                let got = try await measure("create ConfigMap 1 KB, \(connections) conn", connections: connections, count: count) {
                    try await target.create("c\(connections)-\($0)")
                }
                made += (0..<got).map { "c\(connections)-\($0)" }
            }
        }
        let (target, names) = (target, made)
        if wants("get") {
            for connections in [1, 8, 32] {
                _ = try await measure("get ConfigMap, \(connections) conn", connections: connections, count: .max, limit: .seconds(5)) {
                    try await target.get(names[($0 &* 7919) % names.count])
                }
            }
        }
        if wants("update") {
            for connections in [1, 8] {
                _ = try await measure("update ConfigMap, \(connections) conn", connections: connections, count: names.count, limit: .seconds(5)) {
                    try await target.update(names[$0])
                }
            }
        }
        if wants("delete") {
            _ = try await measure("delete ConfigMap, 8 conn", connections: 8, count: names.count, limit: .seconds(60)) {
                try await target.delete(names[$0])
            }
        }
        if wants("list") { try await list() }
        if wants("watch") { try await watch() }
        try await target.deleteNamespace()
    }

    private func wants(_ section: String) -> Bool { sections.isEmpty || sections.contains(section) }

    /// A namespace of a thousand.
    private func list() async throws {
        let other = Target(client: target.client, origin: target.origin, namespace: target.namespace + "-list")
        try await other.createNamespace()
        for number in 0..<1000 { _ = try await other.create("l\(number)") }
        for (what, query) in [("list 1,000, consistent", ""), ("list 1,000, from the cache", "?resourceVersion=0")] {
            var times = Times()
            for _ in 0..<30 {
                let begun = ContinuousClock.now
                let answer = try await other.list(query)
                times.add(begun.duration(to: .now), isGood: answer.status == 200 && answer.bytes > 1_000_000)
            }
            report(what, times)
        }
        try await other.deleteNamespace()
    }

    /// From sending a create to receiving its event, one at a time.
    private func watch() async throws {
        let other = Target(client: target.client, origin: target.origin, namespace: target.namespace + "-watch")
        try await other.createNamespace()
        let revision = try await other.revision()
        let count = 300
        let (arrivals, arrived) = AsyncStream<(number: Int, at: ContinuousClock.Instant)>.makeStream()
        let watching = Task {
            var text: [UInt8] = []
            var expected = 0
            try await other.watch(from: revision) { part in
                let now = ContinuousClock.now
                text += part
                while expected < count, text.contains(sequence: Array("\"name\":\"w\(expected)\"".utf8)) {
                    arrived.yield((expected, now))
                    expected += 1
                    text.removeFirst(max(0, text.count - 4096))
                }
                return expected < count
            }
        }
        try await Task.sleep(for: .milliseconds(300))
        var times = Times()
        var arriving = arrivals.makeAsyncIterator()
        for number in 0..<count {
            let begun = ContinuousClock.now
            let status = try await other.create("w\(number)")
            guard let arrival = await arriving.next() else { break }
            times.add(begun.duration(to: arrival.at), isGood: status == 201)
            try await Task.sleep(for: .milliseconds(10))
        }
        watching.cancel()
        report("watch: create sent to event", times)
        try await other.deleteNamespace()
    }
}

extension Array where Element == UInt8 {
    fileprivate func contains(sequence: [UInt8]) -> Bool { firstRange(of: sequence) != nil }
}

/// GETs of one URL, for comparison with other servers.
func loadURL(_ url: String) async throws {
    let request = try HTTPClientRequest(.get, url: url)
    let target = Target(
        client: HTTPClient(tls: try TLSClientIdentity(isVerifying: false)), origin: request.origin, namespace: "")
    for connections in [1, 8, 32] {
        _ = try await measure("get \(url), \(connections) conn", connections: connections, count: .max, limit: .seconds(3)) { _ in
            try await target.get(path: request.target)
        }
    }
}

do {
    let arguments = CommandLine.arguments.dropFirst()
    guard let path = arguments.first else { throw Fault(.invalid, "usage: load KUBECONFIG [section ...]") }
    if path.hasPrefix("http") {
        try await loadURL(path)
        exit(0)
    }
    let config = try Kubeconfig(try Files.readText(path))
    let target = Target(
        client: HTTPClient(tls: config.identity), origin: config.origin, namespace: "load-\(UInt32.random(in: 0...UInt32.max))")
    let sections = arguments.dropFirst()
    if sections.first == "pods" {
        try await target.createNamespace()
        // The service account of a new namespace is a moment away.
        try await Task.sleep(for: .milliseconds(500))
        try await Pods(target: target, image: sections.dropFirst().first ?? "busybox:1").run()
        try await target.deleteNamespace()
    } else {
        try await Load(target: target, sections: Set(sections)).run()
    }
} catch {
    Console.write("load: \(error)\n")
    exit(1)
}
