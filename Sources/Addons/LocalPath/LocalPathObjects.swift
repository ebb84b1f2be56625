public import API
public import APIMachinery
public import Client

/// What the cluster needs for local volumes, each as k3s' own manifest has it.
public enum LocalPathObjects {
    /// The default class: volumes where the pod runs, gone with their claim.
    public static var storageClass: StorageClass {
        var storageClass = StorageClass(name: LocalPathNames.storageClass)
        storageClass.metadata.annotations = [
            VolumeAnnotation.defaultClass: "true", LocalPathNames.defaultVolumeType: "local",
        ]
        storageClass.provisioner = LocalPathNames.provisioner
        storageClass.volumeBindingMode = "WaitForFirstConsumer"
        storageClass.reclaimPolicy = "Delete"
        return storageClass
    }

    /// What the provisioner may do: less than the original's, which starts pods to touch the disk.
    public static var role: ClusterRole {
        var role = ClusterRole(name: LocalPathNames.role)
        role.value["rules"] = [
            [
                "apiGroups": [""], "resources": ["nodes", "persistentvolumeclaims"],
                "verbs": ["get", "list", "watch"],
            ],
            [
                "apiGroups": [""], "resources": ["persistentvolumes"],
                "verbs": ["get", "list", "watch", "create", "patch", "update", "delete"],
            ],
            ["apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]],
            [
                "apiGroups": ["storage.k8s.io"], "resources": ["storageclasses"],
                "verbs": ["get", "list", "watch"],
            ],
        ]
        return role
    }

    public static var roleBinding: ClusterRoleBinding {
        var binding = ClusterRoleBinding(name: LocalPathNames.roleBinding)
        binding.value["roleRef"] = [
            "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole",
            "name": .string(LocalPathNames.role),
        ]
        binding.value["subjects"] = [
            [
                "kind": "ServiceAccount", "name": .string(LocalPathNames.serviceAccount),
                "namespace": .string(namespace),
            ]
        ]
        return binding
    }

    public static var serviceAccount: ServiceAccount {
        ServiceAccount(namespace: namespace, name: LocalPathNames.serviceAccount)
    }

    private static let namespace = "kube-system"

    /// Creates those that are missing. What a person changed stays as it is.
    ///
    /// - Parameter client: Of somebody who may create roles and storage classes.
    public static func createMissing(_ client: any Client) async throws(Status) {
        try await create(serviceAccount, client)
        try await create(role, client)
        try await create(roleBinding, client)
        try await create(storageClass, client)
    }

    private static func create<R: ResourceView>(_ object: R, _ client: any Client) async throws(Status) {
        guard try await client.find(R.self, object.objectName) == nil else { return }
        do throws(Status) {
            try await client.create(object)
        } catch {
            guard error.isAlreadyExists else { throw error }
        }
    }
}
