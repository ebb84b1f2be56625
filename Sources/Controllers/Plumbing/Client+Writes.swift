import APIMachinery
import Client

extension Client {
    /// Replaces a list inside an object, provided that the object is still at this version: a list is replaced as a
    /// whole, and what somebody else added to it must not be lost. That the object is gone is no failure.
    func replaceList(
        _ path: [String], in target: Target, uid: String, version: String, with list: [Value]
    ) async throws(Status) {
        try await replaceLists([path: list], in: target, uid: uid, version: version)
    }

    /// Replaces several lists at once, by their paths, or none of them.
    func replaceLists(
        _ lists: [[String]: [Value]], in target: Target, uid: String, version: String
    ) async throws(Status) {
        var patch: Value = ["metadata": ["uid": .string(uid), "resourceVersion": .string(version)]]
        for (path, list) in lists { patch[path: path] = list.isEmpty ? .null : .array(list) }
        do throws(Status) {
            try await self.patch(target, .merge(patch), WriteOptions())
        } catch {
            guard error.isNotFound else { throw error }
        }
    }

    /// Creates an object that others may create as well: that it is there already is no failure.
    func createUnlessPresent(_ object: some ResourceView) async throws(Status) {
        do throws(Status) {
            try await create(object)
        } catch {
            guard error.isAlreadyExists else { throw error }
        }
    }
}
