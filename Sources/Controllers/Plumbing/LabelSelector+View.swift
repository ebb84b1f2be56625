import API
import APIMachinery

extension LabelSelector {
    /// The selector of a workload. Validation kept out what cannot be read; whatever got by is the object's
    /// failure.
    static func of(_ view: MetaV1LabelSelector?) throws(Status) -> LabelSelector {
        do throws(SelectorError) {
            return try LabelSelector(object: view?.value)
        } catch {
            throw .badRequest("the selector cannot be used: \(error)")
        }
    }
}
