import Host
import Support
import Testing

/// The volume tutorial of k3s' documentation, word for word.
@Suite(.serialized) struct VolumeTutorialTests {
    private static let claim = """
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata:
          name: local-path-pvc
          namespace: default
        spec:
          accessModes:
            - ReadWriteOnce
          storageClassName: local-path
          resources:
            requests:
              storage: 2Gi
        """
    private static let pod = """
        apiVersion: v1
        kind: Pod
        metadata:
          name: volume-test
          namespace: default
        spec:
          containers:
          - name: volume-test
            image: nginx:stable-alpine
            imagePullPolicy: IfNotPresent
            volumeMounts:
            - name: volv
              mountPath: /data
            ports:
            - containerPort: 80
          volumes:
          - name: volv
            persistentVolumeClaim:
              claimName: local-path-pvc
        """

    @Test func `a file on a persistent volume outlives its pod`() async throws {
        try await TestNode.with { node, server in
            try await server.must("create", input: Self.claim)
            try await server.must("create", input: Self.pod)
            try await server.must("wait", "--for=condition=Ready", "pod/volume-test", "--timeout=50s")
            let volume = try await server.must("get", "pv", "--no-headers").split(separator: " ")
            #expect(volume.prefix(6).dropFirst() == ["2Gi", "RWO", "Delete", "Bound", "default/local-path-pvc"])
            let claim = try await server.must("get", "pvc", "--no-headers").split(separator: " ")
            #expect(claim.prefix(6) == ["local-path-pvc", "Bound", volume.first ?? "", "2Gi", "RWO", "local-path"])
            let pods = try await server.must("get", "pods", "--no-headers").split(separator: " ")
            #expect(pods.prefix(3) == ["volume-test", "1/1", "Running"])

            #expect(try await server.shell("volume-test", "echo local-path-test > /data/test").status.isSuccess)
            try await server.must("delete", "pod", "volume-test")
            try await server.must("create", input: Self.pod)
            try await server.must("wait", "--for=condition=Ready", "pod/volume-test", "--timeout=50s")
            #expect(try await server.shell("volume-test", "cat /data/test").text == "local-path-test\n")

            try await server.must("delete", "pod/volume-test", "pvc/local-path-pvc")
            try await eventually("the volume is removed") {
                try await server.kubectl("get", "pv").errorText.contains("No resources found")
            }
        }
    }
}
