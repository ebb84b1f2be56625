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
            record(.warning, "FailedCreate", "Error creating: \(error.message)", about: owner)
            throw error
        }
    }

    /// Deletes this very pod of a workload, and tells of it as an event about the workload. That it is gone is no failure.
    func delete(_ pod: Pod, of owner: some ResourceView) async throws(Status) {
        do throws(Status) {
            try await client.delete(Pod.self, pod.objectName, DeletionOptions(preconditionUID: pod.metadata.uid))
            record(.normal, "SuccessfulDelete", "Deleted pod: \(pod.metadata.name)", about: owner)
        } catch {
            record(.warning, "FailedDelete", "Error deleting: \(error.message)", about: owner)
            throw error
        }
    }
}
