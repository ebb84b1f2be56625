import Host
import Support

/// Where the logs of a node's services come from: the journal of systemd, for those that write into it, and files for all
/// others (KEP-2258). What is wrong is told in the text, as in Kubernetes: by then the answer has begun.
///
/// However long the logs are, only what is on its way is in memory: the journal's program waits for the client.
struct NodeLogSource: Sendable {
    typealias Send = @Sendable ([UInt8]) async throws -> Void

    /// As much of the list of all units is read.
    private static let unitsLimit = ByteCount.mebibytes(4)
    private static let chunkSize = 64 << 10

    let folder: SystemLogFolder
    /// A path, or a name that is looked up in `PATH`.
    let journalProgram: String

    func answer(_ query: NodeLogQuery, _ send: Send) async throws {
        let units = await journalUnits()
        let inJournal = query.services.filter { units.contains($0 + ".service") }
        let inFiles = query.services.filter { !units.contains($0 + ".service") }
        if !inJournal.isEmpty { try await sendJournal(query, inJournal, send) }
        guard !inFiles.isEmpty else { return }
        guard !query.hasOptions else {
            let names = inFiles.joined(separator: " ")
            return try await Self.say(
                "options present and query resolved to log files for [\(names)]\ntry without specifying options", send)
        }
        for service in inFiles { try await sendFile(of: service, send) }
    }

    // MARK: The journal

    /// The units that have written into it; none where there is no journal.
    private func journalUnits() async -> Set<String> {
        // journalctl --field _SYSTEMD_UNIT
        let asking = Command(journalProgram, ["--field", "_SYSTEMD_UNIT"])
        guard let answer = try? await asking.run(limit: Self.unitsLimit), answer.status.isSuccess else { return [] }
        return Set(answer.text.split(separator: "\n").map(String.init))
    }

    private func sendJournal(_ query: NodeLogQuery, _ services: [String], _ send: Send) async throws {
        let reading = Command(journalProgram, query.journalArguments(services))
        do {
            // How it ends is told by what it said.
            _ = try await reading.run(handingOn: send)
        } catch is Fault {
            if query.boot ?? 0 == 0 { try await Self.say("error: journal output not available", send) }
        }
    }

    // MARK: Files

    /// The first of those that are usual: `kubelet`, `kubelet.log`, `kubelet/kubelet.log`.
    private func sendFile(of service: String, _ send: Send) async throws {
        let file: OpenFile?
        do throws(Fault) {
            file = try await firstFile([service, service + ".log", service + "/" + service + ".log"])
        } catch {
            let reason = error.errno?.description.lowercased() ?? error.summary
            return try await Self.say("error getting log for \(service): \(reason)", send)
        }
        guard let file else { return try await Self.say("log not found for \(service)", send) }
        var offset: Int64 = 0
        while true {
            try Task.checkCancellation()
            let part = try file.read(at: offset, upTo: Self.chunkSize)
            guard !part.isEmpty else { return }
            offset += Int64(part.count)
            try await send(part)
        }
    }

    private func firstFile(_ names: [String]) async throws(Fault) -> OpenFile? {
        let folder = folder
        return try await BlockingWork.run { () throws(Fault) -> OpenFile? in
            for name in names {
                do throws(Fault) {
                    let entry = try folder.entry("/" + name)
                    // The service may have a folder of its own.
                    if entry.status.kind != .directory { return try entry.open() }
                } catch where error.code == .notFound {
                    continue
                }
            }
            return nil
        }
    }

    /// Something that is not of the log stands between empty lines.
    private static func say(_ text: String, _ send: Send) async throws {
        try await send(Array("\n\(text)\n".utf8))
    }
}
