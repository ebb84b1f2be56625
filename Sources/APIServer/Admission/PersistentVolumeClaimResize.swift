import API
import APIMachinery
import Client

/// Lets a claim grow only if it is bound and its class says that volumes can (Kubernetes documentation,
/// "PersistentVolumeClaimResize").
struct PersistentVolumeClaimResize: ValidatingAdmission {
    let classes: any ObjectSet

    func concerns(_ resource: GroupVersionResource) -> Bool { resource == .persistentVolumeClaims }

    func validate(_ request: AdmissionRequest) throws(Status) {
        guard request.operation == .update, request.isMain(.persistentVolumeClaims), let new = request.object,
            let old = request.oldObject
        else { return }
        func size(_ claim: Value) -> Quantity {
            [String: Quantity](claim.at("spec", "resources", "requests"))["storage"] ?? .zero
        }
        guard size(new) > size(old) else { return }
        guard old.at("status", "phase") == "Bound" else {
            throw request.forbidden("Only bound persistent volume claims can be expanded")
        }
        let name = PersistentVolumeClaim(new).className
        guard !name.isEmpty, name == PersistentVolumeClaim(old).className,
            classes.get(ObjectName(name: name))?.value["allowVolumeExpansion"] == true
        else {
            throw request.forbidden(
                "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must "
                    + "support resize")
        }
    }
}
