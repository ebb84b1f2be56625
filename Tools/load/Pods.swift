import APIMachinery
import Synchronization

/// From asking for pods to seeing them run.
struct Pods {
    let target: Target
    let image: String

    /// One after the other, then thirty at once. The image has to be there.
    func run() async throws {
        var times = Times()
        for number in 0..<10 {
            let durations = try await start(["single-\(number)"])
            for duration in durations { times.add(duration, isGood: true) }
        }
        report("pod created to Running, one by one", times)
        var together = Times()
        for duration in try await start((0..<30).map { "many-\($0)" }) { together.add(duration, isGood: true) }
        report("30 pods at once, each to Running", together)
        Console.write("30 pods at once, the last one            \(Int(together.percentile(1))) ms\n")
    }

    /// Creates the pods, waits until all run, and removes them again.
    private func start(_ names: [String]) async throws -> [Duration] {
        let target = target
        let running = Mutex<[String: ContinuousClock.Instant]>([:])
        let (began, begin) = AsyncStream.makeStream(of: Void.self)
        let watching = Task {
            try await target.watchPods { event in
                let now = ContinuousClock.now
                let name = event.at("object", "metadata", "name")?.string ?? ""
                let phase = event.at("object", "status", "phase")?.string
                return running.withLock { running in
                    if phase == "Running", running[name] == nil { running[name] = now }
                    return !names.allSatisfy { running[$0] != nil }
                }
            }
            begin.finish()
        }
        try await Task.sleep(for: .milliseconds(100))
        var created: [String: ContinuousClock.Instant] = [:]
        for name in names {
            created[name] = .now
            _ = try await target.createPod(name, image: image)
        }
        for await _ in began {}
        try await watching.value
        for name in names { _ = try await target.deletePod(name) }
        try await Task.sleep(for: .seconds(2))
        let seen = running.withLock { $0 }
        return names.compactMap { name in
            guard let start = created[name], let end = seen[name] else { return nil }
            return start.duration(to: end)
        }
    }
}
