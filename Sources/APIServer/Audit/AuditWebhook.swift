public import Support

/// Sends audit events to a server, in lists (`audit.k8s.io/v1.EventList`; Kubernetes documentation, "Webhook backend").
///
/// A list that is not taken is sent again, whatever the reason: five times, with growing pauses. Then it is lost.
public struct AuditWebhook: AuditSink {
    private let caller: KubeconfigCaller
    private let pauses: [Duration]

    private static let timeout = Duration.seconds(30)
    private static let start = Array(
        #"{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":["#.utf8)
    private static let end = Array("]}".utf8)

    /// - Parameter firstPause: what passes before a list is sent for the second time
    ///   (`--audit-webhook-initial-backoff`); half as much again before each further time.
    public init(_ config: WebhookKubeconfig, firstPause: Duration = .seconds(10)) throws(Fault) {
        caller = try KubeconfigCaller(config, timeout: Self.timeout)
        pauses = [1, 1.5, 2.25, 3.375].map { firstPause * $0 }
    }

    /// Sends all lines as one list.
    public func write(_ lines: [UInt8]) async throws(Fault) {
        let list = Self.list(lines)
        var pauses = pauses[...]
        while true {
            do throws(WebhookFailure) {
                _ = try await caller.post(list)
                return
            } catch {
                guard error.kind != .cancelled, let pause = pauses.popFirst() else {
                    throw Fault(.unavailable, "audit events cannot be sent to \(caller.url): \(error)")
                }
                do {
                    try await Task.sleep(for: pause)
                } catch {
                    throw Fault(.unavailable, "audit events were not sent to \(caller.url): the server stops")
                }
            }
        }
    }

    /// Each line is an event without a line break in it, which JSON has no need of.
    static func list(_ lines: [UInt8]) -> [UInt8] {
        var list = start
        list.reserveCapacity(start.count + lines.count + end.count)
        for byte in lines { list.append(byte == UInt8(ascii: "\n") ? UInt8(ascii: ",") : byte) }
        if list.last == UInt8(ascii: ",") { list.removeLast() }
        return list + end
    }
}
