module heddle.dev/test/go-x509

go 1.22
