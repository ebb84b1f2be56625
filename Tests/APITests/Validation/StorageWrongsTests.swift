import Testing

@testable import API

@Suite struct StorageWrongsTests {
    @Test(arguments: Wrong.cases(text)) func `what is wrong with an object of storage is named`(wrong: Wrong) throws {
        let found = try wrong.found(try LeastObjects.all())
        #expect(found == wrong.errors)
    }

    private static let text = #"""
        persistentvolumeclaims
          spec.accessModes = []
          ! spec.accessModes: Required value: at least 1 access mode is required
          spec.accessModes = ["ReadWriteOften"]
          ! spec.accessModes: Unsupported value: "ReadWriteOften": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"
          spec.accessModes = ["ReadWriteOncePod", "ReadWriteOnce"]
          ! spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes
          spec.resources = {}
          ! spec.resources[storage]: Required value
          spec.resources.requests.storage = "0"
          ! spec.resources[storage]: Invalid value: "0": must be greater than zero
          update status.capacity = {"storage": "-1"}
          ! status.capacity[storage]: Invalid value: "-1": must be a valid resource quantity
          update status.allocatedResources = {"storage": "-1"}
          ! status.allocatedResources[storage]: Invalid value: "-1": must be a valid resource quantity
          update status.allocatedResources = {"cpu": "1"}
          ! status.allocatedResources: Unsupported value: "cpu": supported values: "storage"
          update status.allocatedResourceStatuses = {"storage": "x"}
          ! status.allocatedResourceStatus: Unsupported value: "storage": supported values: "ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizeInProgress", "NodeResizeInfeasible", "NodeResizePending"
          spec.volumeMode = "Odd"
          ! spec.volumeMode: Unsupported value: "Odd": supported values: "Block", "Filesystem"
          spec.dataSource = {"kind": "Odd", "name": "x"}
          ! spec.dataSource: Invalid value: "Odd": must be 'PersistentVolumeClaim' when referencing the default apiGroup
          update spec.resources.requests.storage = "2Gi"
          ! spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims
          before status = {"phase": "Bound", "capacity": {"storage": "1Gi"}}
          update spec.resources.requests.storage = "512Mi"
          ! spec.resources.requests.storage: Forbidden: field can not be less than status.capacity
          update spec.volumeMode = "Block"
          ! spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims
          ! volumeMode: Invalid value: "Block": field is immutable
        persistentvolumes
          spec.accessModes = []
          ! spec.accessModes: Required value
          spec.capacity =
          ! spec.capacity: Required value
          ! spec.capacity: Unsupported value: null: supported values: "storage"
          spec.hostPath =
          ! spec: Required value: must specify a volume type
          spec.nfs = {"server": "s", "path": "/p"}
          ! spec.nfs: Forbidden: may not specify more than 1 volume type
          spec.hostPath = {"path": "/a/../b"}
          ! spec.hostPath.path: Invalid value: "/a/../b": must not contain '..'
          spec.hostPath = {"path": "/"}
          spec.persistentVolumeReclaimPolicy = "Recycle"
          ! spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'
          spec.hostPath =
          spec.local = {"path": "/a"}
          ! spec.nodeAffinity: Required value: Local volume requires node affinity
          spec.hostPath =
          spec.csi = {"driver": "d.example.com"}
          ! spec.csi.volumeHandle: Required value
          spec.hostPath =
          spec.nfs = {"server": "s", "path": "p"}
          ! spec.nfs.path: Invalid value: "p": must be an absolute path
          update spec.hostPath.path = "/other"
          ! spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation
          update spec.volumeMode = "Block"
          ! volumeMode: Invalid value: "Block": field is immutable
        storageclasses.storage.k8s.io
          provisioner =
          ! provisioner: Required value
          provisioner = "a b"
          ! provisioner: Invalid value: "a b": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')
          reclaimPolicy = "Recycle"
          ! reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"
          volumeBindingMode = "Odd"
          ! volumeBindingMode: Unsupported value: "Odd": supported values: "Immediate", "WaitForFirstConsumer"
          update provisioner = "example.com/other"
          ! provisioner: Forbidden: updates to provisioner are forbidden.
          update parameters = {"a": "b"}
          ! parameters: Forbidden: updates to parameters are forbidden.
          update volumeBindingMode = "WaitForFirstConsumer"
          ! volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable
        volumeattributesclasses.storage.k8s.io
          parameters =
          ! parameters: Required value: must contain at least one key/value pair
          update driverName = "e.example.com"
          ! driverName: Forbidden: updates to driverName are forbidden.
        csidrivers.storage.k8s.io
          spec.fsGroupPolicy = "Odd"
          ! spec.fsGroupPolicy: Unsupported value: "Odd": supported values: "File", "None", "ReadWriteOnceWithFSType"
          spec.tokenRequests = [{"audience": "a"}, {"audience": "a"}]
          ! spec.tokenRequests[1].audience: Duplicate value: "a"
          update spec.attachRequired = false
          ! spec.attachedRequired: Invalid value: false: field is immutable
        csinodes.storage.k8s.io
          spec.drivers.0.nodeID =
          ! spec.drivers[0].nodeID: Required value
          spec.drivers.1 = {"name": "d.example.com", "nodeID": "node"}
          ! spec.drivers[1].name: Duplicate value: "d.example.com"
        csistoragecapacities.storage.k8s.io
          capacity = "-1"
          ! capacity: Invalid value: "-1": must be greater than or equal to 0
          update storageClassName = "t"
          ! storageClassName: Invalid value: "t": field is immutable
        volumeattachments.storage.k8s.io
          spec.source = {}
          ! spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName
          update spec.nodeName = "other"
          ! spec: Invalid value: {"attacher":"d.example.com","nodeName":"other","source":{"persistentVolumeName":"v"}}: field is immutable
          update status = {"attached": false, "attachError": {"message": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}}
          ! status.attachError.message: Too long: may not be more than 1024 bytes
        """#
}
