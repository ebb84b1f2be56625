/// A part of the cluster that can be stopped at any instant and started again.
final class Part: Sendable {
    let name: String
    private let body: @Sendable () async -> Void
    private let isWanted: Switch
    private let isRunning = Switch(false)

    init(_ name: String, startsOn: Bool = false, _ body: @escaping @Sendable () async -> Void) {
        self.name = name
        self.body = body
        isWanted = Switch(startsOn)
    }

    /// Runs the part whenever it shall run, until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            await isWanted.wait(until: true)
            guard !Task.isCancelled, isWanted.isOn else { continue }
            isRunning.turn(true)
            let hasEnded = await withTaskGroup { group in
                group.addTask {
                    await self.body()
                    return true
                }
                group.addTask {
                    await self.isWanted.wait(until: false)
                    return false
                }
                defer { group.cancelAll() }
                return await group.next() ?? false
            }
            isRunning.turn(false)
            // One that ends by itself is not started again and again.
            if hasEnded { await isWanted.wait(until: false) }
        }
    }

    func start() { isWanted.turn(true) }

    /// Cancels what it does, and returns when that has ended.
    func kill() async {
        isWanted.turn(false)
        await isRunning.wait(until: false)
    }
}
