import NIOCore

extension HTTPExchange {
    /// How long who computes at length steps back: just long enough to be due later than what waits. An event loop
    /// looks at its sockets only when no task is due, so that a task put at the end of the queue would keep it away.
    static let pauseLength = TimeAmount.microseconds(50)

    /// Lets the other connections of the event loop have their turn, then goes on. For handlers that compute at length
    /// in ``run(_:)``: at least each millisecond or two.
    public func pause() async {
        await withCheckedContinuation { continuation in
            loop.scheduleTask(in: Self.pauseLength) { continuation.resume() }
        }
    }
}
