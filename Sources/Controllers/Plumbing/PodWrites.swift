import API
import APIMachinery
import Client

extension ControllerContext {
    /// Creates a pod of a workload, and tells of it, or why it is refused, as an event about the workload.
    func create(_ pod: Pod, for owner: some ResourceView) async throws(Status) {
        do throws(Status) {
            let made = try await client.create(pod)
            record(.normal, "SuccessfulCreate", "Created pod: \(made.metadata.name)", about: owner)
        } catch {
            // Where nothing is created any more, no event is either.
            if !error.isNamespaceEnding {
                record(.warning, "FailedCreate", "Error creating: \(error.message)", about: owner)
            }
            throw error
        }
    }

    /// Deletes this very pod of a workload, and tells of it as an event about the workload. That it is gone is no failure.
    func delete(_ pod: Pod, of owner: some ResourceView) async throws(Status) {
        try await delete(pod.objectName, uid: pod.metadata.uid, of: owner)
    }

    /// The same, of a pod that was only looked at.
    func delete(_ pod: ObjectName, uid: String, of owner: some ResourceView) async throws(Status) {
        do throws(Status) {
            try await client.delete(Pod.self, pod, DeletionOptions(preconditionUID: uid))
            record(.normal, "SuccessfulDelete", "Deleted pod: \(pod.name)", about: owner)
        } catch {
            record(.warning, "FailedDelete", "Error deleting: \(error.message)", about: owner)
            throw error
        }
    }
}
