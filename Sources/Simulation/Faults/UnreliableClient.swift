import APIMachinery
import Client

/// A way to the API on which requests fail, also after they took effect, are late, and watches are cut, as the weather
/// has it.
struct UnreliableClient: Client {
    /// The way to the server that there is now; fails while there is none.
    let way: @Sendable () throws(Status) -> any Client
    let weather: Weather
    let world: World
    /// On while the server is up: what waits for a server that dies is told so.
    let isUp: Switch
    /// Is told how long requests take.
    var times: CallTimes?

    private func attempt<T: Sendable>(
        _ request: Weather.Request, _ body: (any Client) async throws(Status) -> T
    ) async throws(Status) -> T {
        switch weather.fate(of: request) {
        case .good:
            guard let times else { return try await body(way()) }
            let began = ContinuousClock.now
            let answer = try await body(way())
            times.note(.now - began)
            return answer
        case .slow(let there, let back):
            await world.pause(there)
            let answer = try await body(way())
            await world.pause(back)
            return answer
        case .refused(let status):
            throw status
        case .unanswered(let status):
            _ = try await body(way())
            throw status
        }
    }

    func get(_ target: Target) async throws(Status) -> StoredObject {
        try await attempt(.read) { client throws(Status) in try await client.get(target) }
    }

    func list(_ target: Target, _ options: ListOptions) async throws(Status) -> ObjectList {
        try await attempt(.read) { client throws(Status) in try await client.list(target, options) }
    }

    func watch(_ target: Target, _ options: ListOptions) async throws(Status) -> WatchStream {
        let stream = try await attempt(.read) { client throws(Status) in
            try await client.watch(target, options)
        }
        return WatchStream { [weather, isUp] () throws(Status) in
            if weather.cutsWatch() { return nil }
            return try await Self.next(of: stream, while: isUp)
        }
    }

    /// The next batch; `nil` when the stream ends or the server dies.
    private static func next(of stream: WatchStream, while isUp: Switch) async throws(Status) -> [WatchEvent]? {
        typealias Outcome = Result<[WatchEvent]?, Status>
        let outcome = await withTaskGroup(of: Outcome.self) { group in
            group.addTask {
                var iterator = stream.makeAsyncIterator()
                do throws(Status) {
                    return .success(try await iterator.next())
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                await isUp.wait(until: false)
                return .success(nil)
            }
            defer { group.cancelAll() }
            return await group.next() ?? .success(nil)
        }
        return try outcome.get()
    }

    func create(_ target: Target, _ object: Value, _ options: WriteOptions) async throws(Status) -> StoredObject {
        try await attempt(.create) { client throws(Status) in try await client.create(target, object, options) }
    }

    func update(_ target: Target, _ object: Value, _ options: WriteOptions) async throws(Status) -> StoredObject {
        try await attempt(.change) { client throws(Status) in try await client.update(target, object, options) }
    }

    func patch(_ target: Target, _ patch: Patch, _ options: WriteOptions) async throws(Status) -> StoredObject {
        try await attempt(.change) { client throws(Status) in try await client.patch(target, patch, options) }
    }

    func delete(_ target: Target, _ options: DeletionOptions) async throws(Status) -> StoredObject? {
        try await attempt(.change) { client throws(Status) in try await client.delete(target, options) }
    }

    func observe(
        _ resource: GroupVersionResource, _ scope: ObservationScope
    ) async throws(Status) -> any ObjectSet {
        try await attempt(.read) { client throws(Status) in try await client.observe(resource, scope) }
    }
}
