/// Certificates for tests, made once with openssl; they are valid for a hundred years and guard nothing.
enum TestCertificates {
    static let authority = Array(
        """
        -----BEGIN CERTIFICATE-----
        MIIBlTCCATugAwIBAgIUTngEuFv2s/Casc78QYoOaSVXwwwwCgYIKoZIzj0EAwIw
        FzEVMBMGA1UEAwwMd2lyZS10ZXN0LWNhMCAXDTI2MTEyMTAzMTczN1oYDzIxMjYx
        MDI4MDMxNzM3WjAXMRUwEwYDVQQDDAx3aXJlLXRlc3QtY2EwWTATBgcqhkjOPQIB
        BggqhkjOPQMBBwNCAAQGzDtlCeg6KfVF/Q35SiPPfMllAZqcFTibc+G6dmI5gYzE
        EpQCG4toA3MsWBIvsIyfttGpDO8iYQstOnK3EqX7o2MwYTAdBgNVHQ4EFgQUmSHX
        5ND99AcMpLmCMFG0mFdBTV0wHwYDVR0jBBgwFoAUmSHX5ND99AcMpLmCMFG0mFdB
        TV0wDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAQYwCgYIKoZIzj0EAwID
        SAAwRQIhAIRJceFVFmJthuVQz02gFFAliqPxqdOLVycW5/BjcAjGAiBmyMz3mgIv
        4EjHhygZeVa2bgmIR4WeC8EbUtLAcMDuiw==
        -----END CERTIFICATE-----
        """.utf8)

    static let server = Array(
        """
        -----BEGIN CERTIFICATE-----
        MIIBrDCCAVOgAwIBAgIUIacQ2MT8X+BnkoVxV+EgN1/7CmgwCgYIKoZIzj0EAwIw
        FzEVMBMGA1UEAwwMd2lyZS10ZXN0LWNhMCAXDTI2MTEyMTAzMTczN1oYDzIxMjYx
        MDI4MDMxNzM3WjARMQ8wDQYDVQQDDAZzZXJ2ZXIwWTATBgcqhkjOPQIBBggqhkjO
        PQMBBwNCAASjCiOwmoOzeecU6SjURoUbIIpXphrpJZpH0jZhQ7rv7X/lZn+hUYZf
        xXt891dRmU6SeT2zrupgYPed0CbWwEFno4GAMH4wJwYDVR0RBCAwHoIJbG9jYWxo
        b3N0ggtzZXJ2ZXIudGVzdIcEfwAAATATBgNVHSUEDDAKBggrBgEFBQcDATAdBgNV
        HQ4EFgQUDk9fuiDtuWf3cBKPCibg269dO00wHwYDVR0jBBgwFoAUmSHX5ND99AcM
        pLmCMFG0mFdBTV0wCgYIKoZIzj0EAwIDRwAwRAIgf3sIy7LTTZACK4Fpblx+/vxh
        m3FA7vTKyEzUw/fZDp8CIGWzqWCoYHf0FQKBvcoKsu9bv7VT050KuhbSCSfVaqPi
        -----END CERTIFICATE-----
        """.utf8)

    static let serverKey = Array(
        """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgaT96YYjbndSpFMMN
        iJIofgbV5WZvHWTypNNP5e8L+uahRANCAASjCiOwmoOzeecU6SjURoUbIIpXphrp
        JZpH0jZhQ7rv7X/lZn+hUYZfxXt891dRmU6SeT2zrupgYPed0CbWwEFn
        -----END PRIVATE KEY-----
        """.utf8)

    static let other = Array(
        """
        -----BEGIN CERTIFICATE-----
        MIIBqjCCAVCgAwIBAgIUIacQ2MT8X+BnkoVxV+EgN1/7CmkwCgYIKoZIzj0EAwIw
        FzEVMBMGA1UEAwwMd2lyZS10ZXN0LWNhMCAXDTI2MTEyMTAzMTczN1oYDzIxMjYx
        MDI4MDMxNzM3WjAQMQ4wDAYDVQQDDAVvdGhlcjBZMBMGByqGSM49AgEGCCqGSM49
        AwEHA0IABKLPRQQmbx9yFNRFuNLxW/+uizlOMiodMHXZoBer9mkdTIFAzo1oM6V8
        JvjGD5Jlxlz/36P9ksozd33PqEESuR6jfzB9MCYGA1UdEQQfMB2CCWxvY2FsaG9z
        dIIKb3RoZXIudGVzdIcEfwAAATATBgNVHSUEDDAKBggrBgEFBQcDATAdBgNVHQ4E
        FgQU5XuiIFllTmyrZdafUQ1ZXKJ8Ks8wHwYDVR0jBBgwFoAUmSHX5ND99AcMpLmC
        MFG0mFdBTV0wCgYIKoZIzj0EAwIDSAAwRQIgPcvDkhtrSOo5/gceNGUQDlGsaeTD
        8S3k+E+bMh160lUCIQChJvVHCzOzBmOibOdSYhF/n8lQUkFWPj5GfQLM0NqhXQ==
        -----END CERTIFICATE-----
        """.utf8)

    static let otherKey = Array(
        """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgs2ePYJlLvYZGsfE6
        QRDPCmF+LBSOKnUot0TQQL5kCYmhRANCAASiz0UEJm8fchTURbjS8Vv/ros5TjIq
        HTB12aAXq/ZpHUyBQM6NaDOlfCb4xg+SZcZc/9+j/ZLKM3d9z6hBErke
        -----END PRIVATE KEY-----
        """.utf8)

    static let client = Array(
        """
        -----BEGIN CERTIFICATE-----
        MIIBnDCCAUGgAwIBAgIUIacQ2MT8X+BnkoVxV+EgN1/7CmowCgYIKoZIzj0EAwIw
        FzEVMBMGA1UEAwwMd2lyZS10ZXN0LWNhMCAXDTI2MTEyMTAzMTczN1oYDzIxMjYx
        MDI4MDMxNzM3WjApMRcwFQYDVQQKDA5zeXN0ZW06bWFzdGVyczEOMAwGA1UEAwwF
        YWRtaW4wWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAT3bJjBbsPdwdJjnm8m2xXz
        OVqIotc6owaUC+hTqRSDc+2D+lnj6idkhUsEbEfmRY4wycMLvf6bTPSXTQ0s4LF7
        o1cwVTATBgNVHSUEDDAKBggrBgEFBQcDAjAdBgNVHQ4EFgQU9bBJQu77jGBPIR16
        VxMoP/7+JrEwHwYDVR0jBBgwFoAUmSHX5ND99AcMpLmCMFG0mFdBTV0wCgYIKoZI
        zj0EAwIDSQAwRgIhAO/G4PN5+gag6LFTKg074rWj7vYNVxRr8p/Hog1LHJIMAiEA
        7V0nYNEHGmCP90+M2/73kwSfAOp1SSDZNiBzo8vToRQ=
        -----END CERTIFICATE-----
        """.utf8)

    static let clientKey = Array(
        """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg4wI3SvoBR/aTrQk2
        y2yi/IDlOnJ3ZKciGpCoWBxZQsChRANCAAT3bJjBbsPdwdJjnm8m2xXzOVqIotc6
        owaUC+hTqRSDc+2D+lnj6idkhUsEbEfmRY4wycMLvf6bTPSXTQ0s4LF7
        -----END PRIVATE KEY-----
        """.utf8)
}
