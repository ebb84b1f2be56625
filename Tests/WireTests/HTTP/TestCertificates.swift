/// Certificates for tests, made once with openssl; they are valid for a hundred years and guard nothing.
///
/// `server` is for `localhost` and `server.test`, `other` for `other.test`, `address` for `127.0.0.1`.
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
        MIIBpjCCAUygAwIBAgIUIacQ2MT8X+BnkoVxV+EgN1/7CmswCgYIKoZIzj0EAwIw
        FzEVMBMGA1UEAwwMd2lyZS10ZXN0LWNhMCAXDTI2MTEyMTAzNTA0MloYDzIxMjYx
        MDI4MDM1MDQyWjARMQ8wDQYDVQQDDAZzZXJ2ZXIwWTATBgcqhkjOPQIBBggqhkjO
        PQMBBwNCAASjCiOwmoOzeecU6SjURoUbIIpXphrpJZpH0jZhQ7rv7X/lZn+hUYZf
        xXt891dRmU6SeT2zrupgYPed0CbWwEFno3oweDAhBgNVHREEGjAYgglsb2NhbGhv
        c3SCC3NlcnZlci50ZXN0MBMGA1UdJQQMMAoGCCsGAQUFBwMBMB0GA1UdDgQWBBQO
        T1+6IO25Z/dwEo8KJuDbr107TTAfBgNVHSMEGDAWgBSZIdfk0P30BwykuYIwUbSY
        V0FNXTAKBggqhkjOPQQDAgNIADBFAiAmhu7zFoRHyU/k5hTdQt61nfZSN2dusH46
        yCBJ/kV2gQIhAKol4bzWhDJE1Grtq90ZBZEBHuCJotCD7mIr46P7Wt4p
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
        MIIBmjCCAT+gAwIBAgIUIacQ2MT8X+BnkoVxV+EgN1/7CmwwCgYIKoZIzj0EAwIw
        FzEVMBMGA1UEAwwMd2lyZS10ZXN0LWNhMCAXDTI2MTEyMTAzNTA0MloYDzIxMjYx
        MDI4MDM1MDQyWjAQMQ4wDAYDVQQDDAVvdGhlcjBZMBMGByqGSM49AgEGCCqGSM49
        AwEHA0IABKLPRQQmbx9yFNRFuNLxW/+uizlOMiodMHXZoBer9mkdTIFAzo1oM6V8
        JvjGD5Jlxlz/36P9ksozd33PqEESuR6jbjBsMBUGA1UdEQQOMAyCCm90aGVyLnRl
        c3QwEwYDVR0lBAwwCgYIKwYBBQUHAwEwHQYDVR0OBBYEFOV7oiBZZU5sq2XWn1EN
        WVyifCrPMB8GA1UdIwQYMBaAFJkh1+TQ/fQHDKS5gjBRtJhXQU1dMAoGCCqGSM49
        BAMCA0kAMEYCIQCqAGjYptVQ430wSdE8AmSjkBZAyNgaPlVHJ+rSDVWzmwIhAJR+
        1NA3VhXtRzLn1BKV6XRO/D/yxVpkG3RttwUorbTD
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

    static let address = Array(
        """
        -----BEGIN CERTIFICATE-----
        MIIBlTCCATugAwIBAgIUIacQ2MT8X+BnkoVxV+EgN1/7Cm0wCgYIKoZIzj0EAwIw
        FzEVMBMGA1UEAwwMd2lyZS10ZXN0LWNhMCAXDTI2MTEyMTAzNTA0MloYDzIxMjYx
        MDI4MDM1MDQyWjASMRAwDgYDVQQDDAdhZGRyZXNzMFkwEwYHKoZIzj0CAQYIKoZI
        zj0DAQcDQgAErQn3ivkcmhVJVD75105jVnZa5xzZsIqyYDJ7gJvW5EJqW7XyiMVs
        O/l4Hz8oRw/ZqdRpjIDc5GwIj4PTdGgi66NoMGYwDwYDVR0RBAgwBocEfwAAATAT
        BgNVHSUEDDAKBggrBgEFBQcDATAdBgNVHQ4EFgQUrmQ8JtRyVS5vzs81fQhgLxK/
        CI0wHwYDVR0jBBgwFoAUmSHX5ND99AcMpLmCMFG0mFdBTV0wCgYIKoZIzj0EAwID
        SAAwRQIgCfbkLnUujLXa585RsBv3AvTVWf0jvBfpD4Ka3HNCDL0CIQCjBso+8/Sz
        ndi3AHv9S4qfnZfa9GTIoUOsWD8eIZ4yIw==
        -----END CERTIFICATE-----
        """.utf8)

    static let addressKey = Array(
        """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgPKDGHEgivbvicooz
        KRFcATm2mG2Cc/KXGFjzFiaUaRihRANCAAStCfeK+RyaFUlUPvnXTmNWdlrnHNmw
        irJgMnuAm9bkQmpbtfKIxWw7+XgfPyhHD9mp1GmMgNzkbAiPg9N0aCLr
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
