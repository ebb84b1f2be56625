import APIMachinery
import Support

/// Posts reviews, of tokens or of access, to the webhook that a kubeconfig names.
///
/// A call is made again, after a while, when the server says that it could not answer: five times at most.
struct ReviewWebhook: Sendable {
    private let caller: KubeconfigCaller
    private let pauses: [Duration]

    /// Half a second, and half as much again each time.
    static let usualPauses: [Duration] = [.milliseconds(500), .milliseconds(750), .milliseconds(1125), .milliseconds(1687)]

    /// `timeout` is from each call to the end of its answer. Fails when certificate, key or authorities cannot be read.
    init(_ config: WebhookKubeconfig, timeout: Duration, pauses: [Duration] = ReviewWebhook.usualPauses) throws(Fault) {
        caller = try KubeconfigCaller(config, timeout: timeout)
        self.pauses = pauses
    }

    /// The status of the answer to a review of this kind.
    func status(of review: Value) async throws(WebhookFailure) -> Value {
        var answer: Value?
        for pause in pauses {
            do throws(WebhookFailure) {
                answer = try await post(review)
                break
            } catch {
                guard error.isPassing else { throw error }
            }
            do {
                try await Task.sleep(for: pause)
            } catch {
                throw WebhookFailure(error, calling: caller.url)
            }
        }
        let last: Value
        if let answer { last = answer } else { last = try await post(review) }
        guard last["kind"] == nil || last["kind"] == review["kind"] else {
            throw WebhookFailure(
                kind: .unreadable, description: "the webhook answered with a \(last["kind"]?.string ?? "")")
        }
        return last["status"] ?? .emptyObject
    }

    private func post(_ review: Value) async throws(WebhookFailure) -> Value {
        let bytes = try await caller.post(review.json)
        do throws(JSONError) {
            return try Value(json: bytes)
        } catch {
            throw WebhookFailure(kind: .unreadable, description: "couldn't get version/kind; json parse error: \(error)")
        }
    }
}

extension WebhookFailure {
    /// Whether asking again may help.
    fileprivate var isPassing: Bool {
        if case .refused(let code) = kind { [429, 500, 504].contains(code) } else { false }
    }
}
