import Runtime
import Support

/// Waits for one container to end, by the runtime's events.
struct ContainerEnd: Sendable {
    let runtime: any RuntimeService
    let id: String

    /// How long after the runtime's events were lost they are asked for again.
    private static let pause = Duration.seconds(1)

    /// Returns when the container has ended or is gone, or the task is cancelled.
    func wait() async {
        let (ends, end) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await listen { end.finish() } }
            for await _ in ends {}
            group.cancelAll()
        }
    }

    private func listen(_ ended: @escaping @Sendable () -> Void) async {
        while !Task.isCancelled {
            do throws(Fault) {
                try await runtime.containerEvents {
                    if await hasEnded() { ended() }
                } _: { event in
                    if event.id == id, event.kind == .exited || event.kind == .deleted { ended() }
                }
            } catch {
                // The runtime restarts, or we are cancelled; it keeps its containers, and the next look tells.
                try? await Task.sleep(for: Self.pause)
            }
        }
    }

    private func hasEnded() async -> Bool {
        do throws(Fault) {
            return try await runtime.containerStatus(id).state == .exited
        } catch {
            return error.code == .notFound
        }
    }
}
