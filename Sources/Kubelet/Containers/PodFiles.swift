import API
import APIMachinery
import Host
import Support

/// The files that the kubelet itself keeps for a pod, below the pod's folder.
struct PodFiles: Sendable {
    /// What a container may say about its end, as Kubernetes bounds it.
    static let messageLimit = 4096
    /// What all containers of a pod may say.
    static let messagesLimit = 12 << 10
    /// Of the log, for containers that say nothing.
    static let logLimit = 2048
    static let logLines = 80

    let layout: KubeletLayout
    let uid: String

    private var path: String { layout.pod(uid) }
    var hosts: String { Path.join(path, "etc-hosts") }

    /// Where the instance of a container writes its last words.
    func messageFile(_ container: String, attempt: UInt32) -> String {
        Path.join(path, "containers/\(container)/\(attempt)")
    }

    /// Writes the pod's hosts file. In place: it is mounted, as a file, into the containers that run.
    func writeHosts(_ text: String) throws(Fault) {
        try Files.makeDirectory(path, mode: 0o750)
        if Files.exists(hosts), try Files.readText(hosts) == text { return }
        if !Files.exists(hosts) { try Files.write(text, to: hosts, mode: 0o644) }
        try Files.writeInPlace(text, to: hosts)
    }

    /// An empty file that every user may write.
    func makeMessageFile(_ container: String, attempt: UInt32) throws(Fault) -> String {
        let file = messageFile(container, attempt: attempt)
        try Files.makeDirectory(Path.parent(of: file), mode: 0o750)
        try Files.write("", to: file, mode: 0o666)
        return file
    }

    /// What an instance said about its end: its file, or the end of its log when it failed without a word
    /// and asked for that. `nil` when the file is gone, and nothing can be said.
    func message(of container: RuntimePod.Container, policy: String) -> String? {
        let file = messageFile(container.name, attempt: container.attempt)
        guard Files.exists(file) else { return nil }
        // The container may have written any amount.
        let bytes = (try? Files.readBeginning(file, Self.messageLimit)) ?? []
        if !bytes.isEmpty { return String(decoding: bytes, as: UTF8.self) }
        guard policy == "FallbackToLogsOnError", container.exitCode != 0 else { return "" }
        return LastWords.text(container.logPath, lines: Self.logLines, bytes: Self.logLimit)
    }

    /// Removes the log of an instance, what was rotated of it included, and the link to it.
    func removeLog(_ container: RuntimePod.Container, of pod: Pod) {
        if !container.logPath.isEmpty {
            let (folder, name) = (Path.parent(of: container.logPath), Path.name(of: container.logPath))
            for entry in (try? Files.list(folder)) ?? [] where entry == name || entry.hasPrefix(name + ".") {
                try? Files.remove(Path.join(folder, entry))
            }
        }
        try? Files.remove(link(container.id, container.name, pod))
    }

    /// Log collectors find containers by this name: `<pod>_<namespace>_<container>-<id>.log`.
    func link(_ id: String, _ container: String, _ pod: Pod) -> String {
        let name = pod.objectName
        return Path.join(layout.containerLogs, "\(name.name)_\(name.namespace)_\(container)-\(id).log")
    }
}

/// The end of a container's log without what the runtime adds to each line.
enum LastWords {
    /// A line of the log is `<time> <stream> <P|F> <text>`.
    static func text(_ path: String, lines: Int, bytes: Int) -> String {
        guard let end = try? Files.readEnd(path, 64 << 10) else { return "" }
        let text = String(decoding: end, as: UTF8.self)
        var result = ""
        for line in text.split(separator: "\n").suffix(lines) {
            let parts = interfaceLine(line).split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
            guard parts.count == 4 else { continue }
            result += parts[3] + (parts[2] == "F" ? "\n" : "")
        }
        return String(decoding: result.utf8.suffix(bytes), as: UTF8.self)
    }

    /// The line as the interface has it, where it is one of Docker's.
    private static func interfaceLine(_ line: Substring) -> Substring {
        guard line.hasPrefix("{"), let bytes = DockerLogLines.line(Array(line.utf8)) else { return line }
        return Substring(String(decoding: bytes.dropLast(), as: UTF8.self))
    }
}
