import NIOCore

extension NIOLoopBound {
    /// Does something with the value on its event loop: now if that is where we are, else soon.
    func execute(_ body: @escaping @Sendable (Value) -> Void) {
        if eventLoop.inEventLoop {
            body(value)
        } else {
            eventLoop.execute { body(value) }
        }
    }
}
