import API
import APIMachinery

extension ObjectMeta {
    /// The owner that manages this object, of which there is at most one (API conventions, "Owner
    /// references").
    var controller: OwnerReference? { ownerReferences.first { $0.controller == true } }
}

extension ResourceView {
    var meta: ObjectMeta { ObjectMeta(value["metadata"] ?? .emptyObject) }

    /// The reference by which this object is named as the controller of another.
    var controllerReference: OwnerReference {
        var reference = OwnerReference()
        reference.apiVersion = Self.resource.apiVersion
        reference.kind = Self.kind
        reference.name = meta.name
        reference.uid = meta.uid
        reference.controller = true
        reference.blockOwnerDeletion = true
        return reference
    }
}

/// What becomes of an object's ownership, given who might be its controller.
///
/// An object that matches the selector and has no controller is adopted; one that has this controller and no
/// longer matches is released. Neither happens while one of the two is being deleted.
enum Ownership: Hashable, Sendable {
    case owned
    case adopt
    case release
    case foreign

    init(
        of object: StoredObject, ownerUID: String, selector: LabelSelector, ownerIsDeleting: Bool
    ) {
        self.init(
            of: object, ownerUID: ownerUID, isMatch: selector.matches(object.labels), ownerIsDeleting: ownerIsDeleting)
    }

    init(of object: StoredObject, ownerUID: String, isMatch: Bool, ownerIsDeleting: Bool) {
        switch object.controllerUID {
        case ownerUID?:
            // What is on its way out is released by nobody: the owner's end takes it along.
            self = isMatch || ownerIsDeleting || object.isDeleting ? .owned : .release
        case nil where isMatch && !ownerIsDeleting && !object.isDeleting: self = .adopt
        default: self = .foreign
        }
    }
}
