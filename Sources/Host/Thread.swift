import Glibc
import Synchronization

/// Starts a thread that runs `body` and is then gone.
@discardableResult
func startThread(stackSize: Int, isJoinable: Bool = false, _ body: @escaping @Sendable () -> Void)
    -> pthread_t
{
    final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstacksize(&attributes, stackSize)
    let state = isJoinable ? PTHREAD_CREATE_JOINABLE : PTHREAD_CREATE_DETACHED
    pthread_attr_setdetachstate(&attributes, Int32(state))
    var thread = pthread_t()
    let argument = Unmanaged.passRetained(Box(body)).toOpaque()
    let result = pthread_create(
        &thread, &attributes,
        { argument in
            if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
            return nil
        }, argument)
    precondition(result == 0, "the system refuses a thread: \(Errno(result))")
    return thread
}

/// Runs `body` on a thread of its own and waits for it: for what Linux keeps per thread, such as namespaces,
/// and must not stay behind on a thread of Swift's pool.
func onOwnThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) -> Result {
    let box = ResultBox<Result>()
    let thread = startThread(stackSize: 1 << 20, isJoinable: true) {
        let result = body()
        box.result.withLock { $0 = result }
    }
    pthread_join(thread, nil)
    guard let result = box.result.withLock({ $0 }) else {
        preconditionFailure("a joined thread has a result")
    }
    return result
}

private final class ResultBox<Value: Sendable>: Sendable {
    let result = Mutex<Value?>(nil)
}
