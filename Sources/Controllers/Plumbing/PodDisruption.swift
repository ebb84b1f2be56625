import API
import APIMachinery
import Client
import Support

/// Why a pod is deleted that did nothing wrong, as its condition `DisruptionTarget` tells (KEP-3329).
struct PodDisruption: Hashable, Sendable {
    var reason: String
    var message: String

    fileprivate func condition(at now: Timestamp) -> Value {
        [
            "type": "DisruptionTarget", "status": "True", "reason": .string(reason),
            "message": .string(message), "lastTransitionTime": .string(now.description),
        ]
    }
}

extension Client {
    /// Deletes a pod with its own grace, after it was noted why. That it is gone is no failure.
    func evict(_ pod: Pod, because disruption: PodDisruption, at now: Timestamp) async throws(Status) {
        var status = Value.emptyObject
        if pod.condition("DisruptionTarget")?.status != "True" {
            status["conditions"] = [disruption.condition(at: now)]
        }
        try await end(pod, status, DeletionOptions(preconditionUID: pod.metadata.uid))
    }

    /// Deletes a pod at once. Nobody will tell its end, so it counts as failed from now on: what waits for
    /// it, such as a job, learns of it though finalizers may hold it.
    func forceDelete(
        _ pod: Pod, because disruption: PodDisruption? = nil, at now: Timestamp
    ) async throws(Status) {
        var status = Value.emptyObject
        if !pod.isFinished {
            status["phase"] = "Failed"
            if let disruption { status["conditions"] = [disruption.condition(at: now)] }
        }
        try await end(
            pod, status, DeletionOptions(gracePeriodSeconds: 0, preconditionUID: pod.metadata.uid))
    }

    private func end(_ pod: Pod, _ status: Value, _ options: DeletionOptions) async throws(Status) {
        do throws(Status) {
            if status != .emptyObject {
                let patch: Value = ["metadata": ["uid": .string(pod.metadata.uid)], "status": status]
                try await self.patch(Pod.self, pod.objectName, subresource: "status", .strategicMerge(patch))
            }
            try await delete(Pod.self, pod.objectName, options)
        } catch {
            guard error.isNotFound else { throw error }
        }
    }
}
