/// Work that takes long and that nobody waits for in line: pulls, hooks, containers that take their time to
/// stop.
///
/// Started from anywhere, it runs inside ``run()`` and ends with it. There is at most one for each image
/// and a few for each container of the node's pods, which bounds them.
final class Operations: Sendable {
    typealias Operation = @Sendable () async -> Void

    private let stream: AsyncStream<Operation>
    private let input: AsyncStream<Operation>.Continuation

    init() { (stream, input) = AsyncStream.makeStream(of: Operation.self) }

    func start(_ operation: @escaping Operation) { input.yield(operation) }

    /// Runs what is started until cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            for await operation in stream { group.addTask { await operation() } }
            group.cancelAll()
        }
    }
}
