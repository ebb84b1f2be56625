import APIMachinery
import Client
import Controllers
import Logging
import Support

/// Runs controllers on an API, usually one in memory, while `body` runs.
func running(
    _ controllers: [any Controller], on api: any Client, clock: any Clock<Duration> = ContinuousClock(),
    now: @escaping @Sendable () -> Timestamp = { Timestamp(seconds: 1_000_000) },
    _ body: () async throws -> Void
) async throws {
    let log = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
    let context = ControllerContext(
        client: api, events: EventRecorder(api, component: "test"), log: log, clock: clock, now: now)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await ControllerGroup(controllers).run(context) }
        defer { group.cancelAll() }
        try await body()
    }
}
