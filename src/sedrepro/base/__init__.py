"""What every room uses: errors, files written atomically, typed settings, parallel work, memory."""
