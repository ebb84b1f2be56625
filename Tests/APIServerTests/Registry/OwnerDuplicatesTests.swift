import APIMachinery
import Testing

@testable import APIServer

/// Owners that an object names twice.
@Suite struct OwnerDuplicatesTests {
    private static let one: Value = ["apiVersion": "v1", "kind": "Pod", "name": "a", "uid": "1"]
    private static let other: Value = ["apiVersion": "v1", "kind": "Pod", "name": "b", "uid": "2"]
    /// The same object by its UID, named otherwise.
    private static let renamed: Value = ["apiVersion": "v1", "kind": "Pod", "name": "c", "uid": "1"]

    @Test(
        arguments: [
            ([], [], nil), ([one], [one], nil), ([one, other], [one, other], nil), ([one, renamed], [one, renamed], nil),
            ([one, other, one], [one, other], "1"), ([one, other, one, other, one], [one, other], "1, 2, 1"),
        ] as [([Value], [Value], String?)])
    func `an owner that is named twice is kept once, and the client is told`(
        _ owners: [Value], _ kept: [Value], _ named: String?
    ) {
        for moment in [OwnerDuplicates.Moment.inRequest, .afterAdmission] {
            let notes = AdmissionNotes()
            var object: Value = ["metadata": ["ownerReferences": .array(owners)]]
            OwnerDuplicates.remove(from: &object, moment, notes)
            #expect(object.at("metadata", "ownerReferences") == .array(kept))
            let when = moment == .afterAdmission ? " after mutating admission happens" : ""
            let warning = named.map {
                ".metadata.ownerReferences contains duplicate entries\(when); API server dedups owner references in 1.20+, "
                    + "and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: "
                    + $0
            }
            #expect(notes.warnings == (warning.map { [$0] } ?? []))
        }
    }
}
