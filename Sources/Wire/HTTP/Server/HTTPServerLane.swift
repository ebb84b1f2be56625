import NIOCore

/// The tasks of the exchanges of one event loop, run on the loop's own thread.
///
/// A request changes threads only where it has to wait for another one, as for the disk: waking a sleeping thread
/// takes longer than most handlers do. The price: a handler that computes at length, as for a list of thousands,
/// holds up the other connections of its loop.
final class HTTPServerLane: Sendable {
    private let executor: LoopExecutor
    private let jobs: AsyncStream<HTTPServerJob>
    private let continuation: AsyncStream<HTTPServerJob>.Continuation

    init(_ loop: any EventLoop) {
        executor = LoopExecutor(loop)
        // Holds at most one job for each open exchange, which is its bound.
        (jobs, continuation) = AsyncStream.makeStream()
    }

    func submit(_ job: HTTPServerJob) { continuation.yield(job) }

    /// No more jobs will come.
    func finish() { continuation.finish() }

    /// Runs what is submitted until ``finish()``, or until the task is cancelled.
    func run() async {
        await withTaskExecutorPreference(executor) {
            await withDiscardingTaskGroup { group in
                for await job in jobs {
                    group.addTask { await job.run() }
                }
            }
        }
    }
}

/// Runs tasks on an event loop's thread.
private final class LoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { [self] in job.runSynchronously(on: asUnownedTaskExecutor()) }
    }
}
