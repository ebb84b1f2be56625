import APIMachinery
import Host
import Support

/// Runs network plug-ins (CNI specification 1.0.0): programs that read a request and print what came of it.
struct CNIPlugins: Sendable {
    /// Where they are looked for, in this order.
    let folders: [String]
    /// For one plug-in.
    var limit = Duration.seconds(120)

    /// Joins a namespace to the network. Returns what the last plug-in says, which giving it back will want. When one fails,
    /// what those before it did is left to ``remove(_:from:result:)``.
    func add(_ attachment: CNIAttachment, to network: CNINetwork) async throws(Fault) -> Value {
        var result: Value?
        for plugin in network.plugins {
            result = try await run("ADD", plugin, attachment, network, previous: result)
        }
        return result ?? .emptyObject
    }

    /// Takes a namespace out of the network, and gives its addresses back, with the plug-ins in reverse order. Goes on past one
    /// that fails, whose fault is thrown in the end. What is out of it already is no fault, as the specification demands.
    func remove(_ attachment: CNIAttachment, from network: CNINetwork, result: Value?) async throws(Fault) {
        var failure: Fault?
        for plugin in network.plugins.reversed() {
            do throws(Fault) {
                _ = try await run("DEL", plugin, attachment, network, previous: result)
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
    }

    private func run(
        _ verb: String, _ plugin: Value, _ attachment: CNIAttachment, _ network: CNINetwork, previous: Value?
    ) async throws(Fault) -> Value? {
        let name = plugin["type"]?.string ?? ""
        let paths = folders.map { Path.join($0, name) }
        guard let path = paths.first(where: { Files.exists($0) }) else {
            throw Fault(
                .notFound, "the network plug-in \(name) is in none of \(folders.joined(separator: ", "))",
                remedy: "install it (on Debian: apt-get install containernetworking-plugins)")
        }
        var command = Command(
            path,
            environment: Command.ownEnvironment.merging(attachment.environment(verb, folders: folders)) { $1 })
        let request = network.request(for: plugin, capabilities: attachment.capabilities, previous: previous)
        command.input = .descriptor(try Descriptor.holding(request.json))
        let ready = command
        guard let ended = try await withTimeLimit(limit, { () throws(Fault) in try await ready.run() }) else {
            throw Fault(.timedOut, "the network plug-in \(name) did not end in time")
        }
        let answer = try? Value(json: ended.output)
        guard ended.status.isSuccess else { throw Self.failure(of: name, verb, answer, ended) }
        return answer
    }

    /// A plug-in that fails prints why (section 5, "Error").
    private static func failure(of name: String, _ verb: String, _ answer: Value?, _ ended: Command.Output) -> Fault {
        var why = answer?["msg"]?.string ?? String(ended.errorText.suffix(500))
        if let details = answer?["details"]?.string, !details.isEmpty { why += ": " + details }
        // "Try again later"
        let code: Fault.Code = answer?["code"]?.integer == 11 ? .unavailable : .failed
        return Fault(code, "the network plug-in \(name) failed (\(verb)): \(why.isEmpty ? "\(ended.status)" : why)")
    }
}
