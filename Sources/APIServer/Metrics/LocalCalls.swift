import APIMachinery
import Client
import Support
import Synchronization

/// What the cluster's own parts asked of the API in the process, under the name that client libraries have for it.
final class LocalCalls: Sendable {
    private struct Key: Hashable {
        var method: String
        var code: Int
    }

    private let counts = Mutex<[Key: Int]>([:])

    /// Runs one call and counts it by the code that a client over HTTP would have got.
    func count<Answer>(
        _ method: String, succeeded code: Int = 200, _ operation: () async throws(Status) -> Answer
    ) async throws(Status) -> Answer {
        do throws(Status) {
            let answer = try await operation()
            add(Key(method: method, code: code))
            return answer
        } catch {
            add(Key(method: method, code: error.code))
            throw error
        }
    }

    private func add(_ key: Key) { counts.withLock { $0[key, default: 0] += 1 } }

    func write(to text: inout MetricText) {
        let name = "rest_client_requests_total"
        text.begin(name, .counter, "Calls of the API by the parts of this process, by the code of the answer.")
        let counts = counts.withLock(\.self).sorted { ($0.key.method, $0.key.code) < ($1.key.method, $1.key.code) }
        for (key, count) in counts {
            let labels = [("code", String(key.code)), ("host", "in-process"), ("method", key.method)]
            text.sample(name, labels, Double(count))
        }
    }
}
